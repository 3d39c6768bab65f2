package microvm

import (
	"fmt"
	"runtime"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/microvm/guest"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

const (
	// defaultTmpBytes is the size of /tmp where the spec names none. Source: AWS Lambda, "Configure ephemeral storage".
	defaultTmpBytes = 512 << 20

	// maxTmpBytes is the most that /tmp can have. Every machine has a scratch drive for that much, so that the size of /tmp
	// makes no difference between boot templates; how much of it is there, its file system says. Source: AWS Lambda quotas.
	maxTmpBytes = 10240 << 20

	// bytesPerCPU is how much memory comes with each virtual CPU. Source: AWS Lambda, "Configure Lambda function memory".
	bytesPerCPU = 1769 << 20

	// A guest's kernel, its tables of pages, init and what may be kept of files take guestFixedBytes and one guestShare-th
	// of memory from what a tenant may use. Measured: of 614 MiB, which is for a limit of 512, the guest's kernel has 569 to
	// give (MemTotal in /proc/meminfo), 25 more than the limit and the 32 for files that package pid1 allows. A tenant can
	// have 460 at once (TestGuestsMayUseTheirMemory).
	guestFixedBytes = 88 << 20
	guestShare      = 40

	// hugePageBytes is what guest memory is a multiple of; see vmm.Shape.
	hugePageBytes = 2 << 20

	// usualMounts and hotDrives are the drives every machine has, besides the root's: for the images of Spec.Mounts, and
	// for those that are attached while it runs. That all have them keeps the number of boot templates small.
	usualMounts = 2
	hotDrives   = 4
)

// shapeOf is the machine for a spec.
func shapeOf(spec *sandbox.Spec) (vmm.Shape, error) {
	memory := spec.MostMemoryBytes()
	scratch, err := guest.ScratchBytes(maxTmpBytes)
	if err != nil {
		return vmm.Shape{}, err
	}
	s := vmm.Shape{
		CPUs:         int(min(int64(runtime.NumCPU()), (memory+bytesPerCPU-1)/bytesPerCPU)),
		MemoryBytes:  (memory + memory/guestShare + guestFixedBytes + hugePageBytes - 1) / hugePageBytes * hugePageBytes,
		Drives:       1 + max(usualMounts, len(spec.Mounts)) + hotDrives,
		ScratchBytes: scratch,
		Network:      spec.Egress,
	}
	if spec.TmpBytes > maxTmpBytes {
		return s, fmt.Errorf("%w: /tmp of %d bytes, at most %d are possible", sandbox.ErrSpec, spec.TmpBytes, int64(maxTmpBytes))
	}
	if s.Drives > vmm.MaxDrives {
		return s, fmt.Errorf("%w: %d mounts, at most %d are possible", sandbox.ErrSpec, len(spec.Mounts), vmm.MaxDrives-1-hotDrives)
	}
	return s, nil
}
