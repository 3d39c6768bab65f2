package qemu

import (
	"context"
	"encoding/binary"
	"fmt"
	"os"

	"thaw.dev/thaw/internal/hostfile"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// qcow2's header and the table of a drive that has no data of its own. Source: QEMU's docs/interop/qcow2.txt, version 3.
const (
	qcowMagic       = "QFI\xfb"
	qcowClusterBits = 16 // QEMU's caches are some clusters of 64 KiB
	qcowCluster     = 1 << qcowClusterBits
	qcowL1Entries   = vmm.MaxDriveBytes / (qcowCluster * (qcowCluster / 8)) // each stands for a table of as many entries as fit a cluster
	qcowHeaderBytes = 104
)

// blankDrive returns a file with a qcow2 image of MaxDriveBytes in which nothing was ever written, so that all of it is
// read from its backing node. It can be shared: nobody can change it.
func blankDrive() (*os.File, error) {
	f, err := hostfile.Memory("blank")
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	var h []byte
	be := binary.BigEndian
	h = append(h, qcowMagic...)
	h = be.AppendUint32(h, 3)                 // version
	h = append(h, make([]byte, 8+4)...)       // its backing file has no name
	h = be.AppendUint32(h, qcowClusterBits)   //
	h = be.AppendUint64(h, vmm.MaxDriveBytes) //
	h = be.AppendUint32(h, 0)                 // not encrypted
	h = be.AppendUint32(h, qcowL1Entries)     //
	h = be.AppendUint64(h, qcowCluster)       // where the table is: in the second cluster, all zero
	h = be.AppendUint64(h, 2*qcowCluster)     // where the table of reference counts is, which only writing needs
	h = be.AppendUint32(h, 1)                 // its clusters
	h = append(h, make([]byte, 4+8+3*8)...)   // no internal snapshots, no features
	h = be.AppendUint32(h, 4)                 // reference counts have 2^4 bits
	h = be.AppendUint32(h, qcowHeaderBytes)   //
	if _, err := f.Write(h); err != nil {
		return nil, err
	}
	if err := f.Truncate(3 * qcowCluster); err != nil {
		return nil, err
	}
	if err := hostfile.Seal(f); err != nil {
		return nil, err
	}
	return hostfile.Reopen(f, os.O_RDONLY)
}

// driveOptions are the options of drive i's node.
func driveOptions(i int, backing string) object {
	return object{"driver": "qcow2", "node-name": driveNode(i), "file": blank, "backing": backing, "read-only": true}
}

// SetDrive makes image the content of drive i.
func (v *VM) SetDrive(ctx context.Context, i int, image *os.File) error {
	if err := v.setDrive(ctx, i, image); err != nil {
		return fmt.Errorf("set drive %d: %w", i, v.explain(err))
	}
	return nil
}

func (v *VM) setDrive(ctx context.Context, i int, image *os.File) error {
	if i < 0 || i >= v.shape.Drives {
		return fmt.Errorf("there are %d drives", v.shape.Drives)
	}
	info, err := image.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() || info.Size() > vmm.MaxDriveBytes {
		return fmt.Errorf("%s with %d bytes cannot be its content", info.Mode().Type(), info.Size())
	}
	f, err := hostfile.Reopen(image, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return v.qmp.do(ctx,
		command{name: "add-fd", args: object{"fdset-id": fdset(i)}, file: f},
		command{name: "blockdev-add", args: object{"driver": "file", "node-name": imageNode(i), "filename": setPath(fdset(i)), "read-only": true, "locking": "off"}},
		command{name: "blockdev-reopen", args: object{"options": []object{driveOptions(i, imageNode(i))}}},
	)
}
