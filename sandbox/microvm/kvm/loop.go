package kvm

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"runtime"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Requests of KVM and the layout of what they take. Source: the kernel's Documentation/virt/kvm/api.rst, linux/kvm.h and
// asm/kvm.h of x86.
const (
	getAPIVersion       = 0xae00
	createVM            = 0xae01
	getVCPUMmapSize     = 0xae04
	createVCPU          = 0xae41
	setUserMemoryRegion = 0x4020ae46
	run                 = 0xae80
	setRegs             = 0x4090ae82
	getSregs            = 0x8138ae83
	setSregs            = 0x4138ae84

	apiVersion    = 12
	exitHLT       = 5
	exitReasonAt  = 8   // in the page that a virtual CPU shares
	sregsBytes    = 312 // struct kvm_sregs, whose first member is the segment cs
	csSelectorAt  = 12
	regsWords     = 18 // struct kvm_regs
	rip           = 16
	rflags        = 17
	rflagsMustBe  = 2
	memoryBytes   = 64 << 10
	codeAt        = 0x1000
	turns         = 100_000
	loopPatience  = 2 * time.Second
	abandonAfter  = loopPatience + time.Second
	interruptEach = 10 * time.Millisecond
)

// loop is 16-bit code: it counts ecx down from turns and halts.
func loop() []byte {
	code := []byte{0x66, 0xb9} // mov ecx, turns
	code = binary.LittleEndian.AppendUint32(code, turns)
	return append(code, 0x66, 0x49, 0x75, 0xfc, 0xf4) // dec ecx; jnz back to it; hlt
}

// region is struct kvm_userspace_memory_region.
type region struct {
	slot, flags             uint32
	guest, size, hostMemory uint64
}

// errTooSlow is returned when the loop did not end in loopPatience.
var errTooSlow = errors.New("a loop in it did not come to its end")

// timeLoop runs the loop in a machine of its own and returns how long each turn took. It closes kvm.
//
// The machine runs on a goroutine with a thread of its own, which a signal calls back when it takes too long. A kernel
// that does not even heed signals keeps that thread; then it is abandoned, with its few pages.
func timeLoop(ctx context.Context, kvm *os.File) (time.Duration, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, loopPatience, errTooSlow)
	defer cancel()
	type result struct {
		each time.Duration
		err  error
	}
	thread, done := make(chan int, 1), make(chan result, 1)
	go func() { // ends with the loop, or when it is interrupted
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = kvm.Close() }()
		thread <- unix.Gettid()
		each, err := runLoop(ctx, int(kvm.Fd()))
		done <- result{each, err}
	}()
	tid := <-thread
	late := time.NewTimer(abandonAfter)
	defer late.Stop()
	select {
	case r := <-done:
		return r.each, r.err
	case <-ctx.Done():
	}
	tick := time.NewTicker(interruptEach) // a signal that comes before KVM is entered is lost
	defer tick.Stop()
	for {
		_ = unix.Tgkill(os.Getpid(), tid, unix.SIGURG) // which Go programs ignore
		select {
		case <-done:
			return 0, context.Cause(ctx)
		case <-late.C:
			return 0, context.Cause(ctx)
		case <-tick.C:
		}
	}
}

// runLoop makes the machine, runs it until it halts or ctx is done, and removes it.
func runLoop(ctx context.Context, kvm int) (time.Duration, error) {
	if v, err := ioctl(kvm, getAPIVersion, nil); err != nil || v != apiVersion {
		return 0, fmt.Errorf("version of KVM is %d: %w", v, err)
	}
	vm, err := ioctl(kvm, createVM, nil)
	if err != nil {
		return 0, fmt.Errorf("create machine: %w", err)
	}
	defer func() { _ = unix.Close(vm) }()
	memory, err := unix.Mmap(-1, 0, memoryBytes, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED|unix.MAP_ANONYMOUS)
	if err != nil {
		return 0, err
	}
	defer func() { _ = unix.Munmap(memory) }()
	copy(memory[codeAt:], loop())
	r := region{size: memoryBytes, hostMemory: uint64(uintptr(unsafe.Pointer(&memory[0])))}
	if _, err := ioctl(vm, setUserMemoryRegion, unsafe.Pointer(&r)); err != nil {
		return 0, fmt.Errorf("give memory: %w", err)
	}
	cpu, err := ioctl(vm, createVCPU, nil)
	if err != nil {
		return 0, fmt.Errorf("create CPU: %w", err)
	}
	defer func() { _ = unix.Close(cpu) }()
	size, err := ioctl(kvm, getVCPUMmapSize, nil)
	if err != nil {
		return 0, fmt.Errorf("size of a CPU: %w", err)
	}
	shared, err := unix.Mmap(cpu, 0, size, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
	if err != nil {
		return 0, fmt.Errorf("map CPU: %w", err)
	}
	defer func() { _ = unix.Munmap(shared) }()
	if err := setRegisters(cpu); err != nil {
		return 0, err
	}
	start := time.Now()
	for {
		_, err = ioctl(cpu, run, nil)
		if !errors.Is(err, unix.EINTR) || ctx.Err() != nil {
			break
		}
	}
	took := time.Since(start)
	if err != nil {
		return 0, fmt.Errorf("run: %w", err)
	}
	if reason := binary.LittleEndian.Uint32(shared[exitReasonAt:]); reason != exitHLT {
		return 0, fmt.Errorf("it stopped for reason %d", reason)
	}
	return took / turns, nil
}

// setRegisters has the CPU start at codeAt in real mode.
func setRegisters(cpu int) error {
	var sregs [sregsBytes]byte
	if _, err := ioctl(cpu, getSregs, unsafe.Pointer(&sregs[0])); err != nil {
		return fmt.Errorf("read registers: %w", err)
	}
	binary.LittleEndian.PutUint64(sregs[:], 0) // cs.base
	binary.LittleEndian.PutUint16(sregs[csSelectorAt:], 0)
	if _, err := ioctl(cpu, setSregs, unsafe.Pointer(&sregs[0])); err != nil {
		return fmt.Errorf("set registers: %w", err)
	}
	regs := [regsWords]uint64{rip: codeAt, rflags: rflagsMustBe}
	if _, err := ioctl(cpu, setRegs, unsafe.Pointer(&regs[0])); err != nil {
		return fmt.Errorf("set registers: %w", err)
	}
	return nil
}

func ioctl(fd int, request uintptr, arg unsafe.Pointer) (int, error) {
	r, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), request, uintptr(arg))
	if errno != 0 {
		return 0, errno
	}
	return int(r), nil
}
