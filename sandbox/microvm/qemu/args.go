package qemu

import (
	"encoding/json"
	"fmt"
	"os"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Names of what QMP commands refer to.
const (
	zeros = "zeros" // a node of zeros, the backing of drives without content
	blank = "blank" // the node of Driver.blank, the drives' own, empty content
)

func driveNode(i int) string { return fmt.Sprintf("drive%d", i) }
func imageNode(i int) string { return fmt.Sprintf("image%d", i) }

// fdset is the set of descriptors in which QEMU finds the image of drive i. blankSet and scratchSet hold the others.
func fdset(i int) int { return 10 + i }

const (
	blankSet   = 1
	scratchSet = 2
	stateSet   = 3
)

// translationMiB is how much memory TCG may use to hold translated code. A Python runtime fills some 30 MiB; when it is
// full, TCG starts anew.
const translationMiB = 64

// commandLine collects the arguments and descriptors of one QEMU.
type commandLine struct {
	args  []string
	files []*os.File // become descriptors 3, 4, …
	slots int        // places of virtio devices that are taken
}

func (c *commandLine) add(args ...string) { c.args = append(c.args, args...) }

// file hands over a descriptor and returns its number.
func (c *commandLine) file(f *os.File) int {
	c.files = append(c.files, f)
	return 2 + len(c.files)
}

// path is how QEMU opens a descriptor it was given, for what it cannot be given as one.
func (c *commandLine) path(f *os.File) string { return fmt.Sprintf("/proc/self/fd/%d", c.file(f)) }

func (c *commandLine) set(set int, f *os.File) string {
	c.add("-add-fd", fmt.Sprintf("fd=%d,set=%d", c.file(f), set))
	return setPath(set)
}

func setPath(set int) string { return fmt.Sprintf("/dev/fdset/%d", set) }

type object = map[string]any

func (c *commandLine) json(option string, o object) {
	b, err := json.Marshal(o)
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	c.add(option, string(b))
}

// places is how many virtio devices a microvm machine can have.
const places = 24

// device adds a virtio device at the next place, from the last down: in that order Linux finds them.
func (c *commandLine) device(o object) {
	c.slots++
	o["bus"] = fmt.Sprintf("virtio-mmio-bus.%d", places-c.slots)
	c.json("-device", o)
}

// disk adds a block device for a node. The guest is told of errors: QEMU would
// stop the machine when the host's disk is full.
func (c *commandLine) disk(node, serial string) {
	c.device(object{"driver": "virtio-blk-device", "id": "disk-" + node, "drive": node, "serial": serial, "rerror": "report", "werror": "report"})
}

// machine returns the command line of a machine whose memory is mapped as mapping says, apart from what it starts with.
func (d *Driver) machine(m *vmm.Machine, memory, monitor *os.File, shared bool) *commandLine {
	c := &commandLine{args: []string{program}}
	c.add("-name", "thaw-"+m.ID, "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot", "-L", firmwareDir,
		"-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny")
	c.add("-chardev", fmt.Sprintf("socket,id=qmp,fd=%d", c.file(monitor)), "-mon", "chardev=qmp,mode=control")
	switch d.accel {
	case vmm.KVM:
		c.add("-accel", "kvm", "-cpu", "host")
	case vmm.TCG:
		c.add("-accel", fmt.Sprintf("tcg,tb-size=%d", translationMiB), "-cpu", "max")
	}
	c.add("-smp", fmt.Sprint(m.Shape.CPUs), "-m", fmt.Sprintf("%dB", m.Shape.MemoryBytes))
	c.json("-object", object{
		"qom-type": "memory-backend-file", "id": "ram", "mem-path": c.path(memory), "size": m.Shape.MemoryBytes,
		"share": shared, "merge": false, "dump": false,
	})
	c.add("-machine", "microvm,memory-backend=ram,isa-serial=off,pit=off,pic=off,auto-kernel-cmdline=off,mem-merge=off,dump-guest-core=off,suppress-vmdesc=on",
		"-global", "migration.send-configuration=off", // so that save.go's stream is one that load.go's QEMU takes
		"-global", "virtio-mmio.force-legacy=on", // the state of a place in the new mode takes 22 KB, used or not
		// What the guest has written is taken when it says so, by the thread that runs it, not later by another: so what it
		// writes to one port and then to another comes out in this order.
		"-global", "virtio-mmio.ioeventfd=off")

	c.json("-blockdev", object{"driver": "null-co", "node-name": zeros, "size": int64(vmm.MaxDriveBytes), "read-zeroes": true, "read-only": true})
	if m.Shape.Drives > 0 {
		c.json("-blockdev", object{"driver": "file", "node-name": blank, "filename": c.set(blankSet, d.blank), "read-only": true, "locking": "off"})
	}
	for i := range m.Shape.Drives {
		c.json("-blockdev", driveOptions(i, zeros))
		c.disk(driveNode(i), vmm.DriveSerial(i))
	}
	if m.Shape.ScratchBytes > 0 {
		// It lives as long as the machine: nothing needs to reach the disk.
		c.json("-blockdev", object{"driver": "raw", "node-name": "scratch", "size": m.Shape.ScratchBytes, "discard": "unmap", "cache": object{"no-flush": true},
			"file": object{"driver": "file", "filename": c.set(scratchSet, m.Scratch), "locking": "off", "discard": "unmap", "cache": object{"no-flush": true}}})
		c.disk("scratch", vmm.ScratchSerial)
	}
	if m.Shape.Network {
		c.add("-netdev", fmt.Sprintf("dgram,id=net,local.type=fd,local.str=%d", c.file(m.Network)))
		c.device(object{"driver": "virtio-net-device", "id": "netcard", "netdev": "net", "mac": m.MAC.String()})
	}
	c.device(object{"driver": "virtio-serial-device", "id": "ports", "max_ports": vmm.NumPorts + 1})
	for i, f := range m.Ports {
		c.add("-chardev", fmt.Sprintf("socket,id=port%d,fd=%d", i, c.file(f)))
		c.json("-device", object{"driver": "virtserialport", "bus": "ports.0", "nr": i + 1, "chardev": fmt.Sprintf("port%d", i), "name": vmm.PortNames[i]})
	}
	return c
}

// cmdline is the kernel's command line with what this driver adds to it. Under TCG a guest that measured its clocks by
// emulated timers would hang in four of ten boots; it is told the host's time stamp counter, which QEMU hands on.
func (d *Driver) cmdline(line string) string {
	if d.accel == vmm.TCG {
		line += fmt.Sprintf(" tsc=reliable no_timer_check tsc_early_khz=%d", d.tsc)
	}
	return line
}
