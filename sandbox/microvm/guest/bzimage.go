package guest

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// maxKernelBytes bounds an uncompressed kernel.
const maxKernelBytes = 256 << 20

// kernelELF takes the ELF kernel out of a bzImage, or takes b as it is if it is one already, and checks that monitors can
// boot it. Source: the Linux kernel's Documentation/x86/boot.rst, protocol 2.08.
func kernelELF(b []byte) ([]byte, error) {
	if !bytes.HasPrefix(b, []byte(elf.ELFMAG)) {
		payload, err := payload(b)
		if err != nil {
			return nil, err
		}
		r, err := decompress(bytes.NewReader(payload[magicBytes:]), payload[:magicBytes])
		if err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
		if b, err = io.ReadAll(io.LimitReader(r, maxKernelBytes+1)); err != nil {
			return nil, fmt.Errorf("kernel: %w", err)
		}
		if len(b) > maxKernelBytes {
			return nil, errors.New("kernel is impossibly large")
		}
	}
	f, err := elf.NewFile(bytes.NewReader(b))
	if err != nil {
		return nil, fmt.Errorf("kernel: %w", err)
	}
	if f.Machine != elf.EM_X86_64 {
		return nil, fmt.Errorf("kernel is for %s", f.Machine)
	}
	if !hasPVH(f) {
		return nil, errors.New("kernel has no PVH entry: it was built without CONFIG_PVH")
	}
	return b, nil
}

// payload is the compressed part of a bzImage.
func payload(b []byte) ([]byte, error) {
	const setupSects, magic, payloadOffset, payloadLength = 0x1f1, 0x202, 0x248, 0x24c
	if len(b) < 0x250 || string(b[magic:magic+4]) != "HdrS" {
		return nil, errors.New("this is neither a bzImage nor an ELF kernel")
	}
	setup := int64(b[setupSects])
	if setup == 0 {
		setup = 4
	}
	from := (setup+1)*512 + int64(binary.LittleEndian.Uint32(b[payloadOffset:]))
	n := int64(binary.LittleEndian.Uint32(b[payloadLength:]))
	if n < magicBytes || from+n > int64(len(b)) {
		return nil, errors.New("bzImage is damaged")
	}
	return b[from : from+n], nil
}

// hasPVH says whether a kernel has the entry that monitors use for uncompressed ones: Xen's note 18,
// XEN_ELFNOTE_PHYS32_ENTRY.
func hasPVH(f *elf.File) bool {
	for _, p := range f.Progs {
		if p.Type != elf.PT_NOTE {
			continue
		}
		b := make([]byte, min(p.Filesz, 1<<20))
		if _, err := p.ReadAt(b, 0); err != nil {
			continue
		}
		for len(b) >= 12 {
			name, desc, kind := align4(f.ByteOrder.Uint32(b)), align4(f.ByteOrder.Uint32(b[4:])), f.ByteOrder.Uint32(b[8:])
			b = b[12:]
			if name+desc > uint64(len(b)) {
				break
			}
			if kind == 18 && string(b[:name]) == "Xen\x00" {
				return true
			}
			b = b[name+desc:]
		}
	}
	return false
}

func align4(n uint32) uint64 { return (uint64(n) + 3) &^ 3 }
