package main

import (
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// limitEnv tells a tenant process the limit on processes it has to set before it begins. Setting it in PID 1 would
// limit PID 1.
const limitEnv = "GUEST_NPROC"

func uitoa(n uint64) string { return strconv.FormatUint(n, 10) }

// tenant does what a bad function does. Its exit status is 0 if it came to its end.
func tenant(what string, args []string) {
	if v := os.Getenv(limitEnv); v != "" {
		n, err := strconv.ParseUint(v, 10, 64)
		if err == nil {
			err = unix.Setrlimit(unix.RLIMIT_NPROC, &unix.Rlimit{Cur: n, Max: n})
		}
		die(err)
	}
	arg := ""
	if len(args) > 0 {
		arg = args[0]
	}
	switch what {
	case wire.TenantAlloc:
		n, err := strconv.Atoi(arg)
		die(err)
		alloc(n)
	case wire.TenantFill:
		fill(arg)
	case wire.TenantForkBomb:
		forkBomb()
	case wire.TenantSpin:
		n, err := strconv.Atoi(arg)
		die(err)
		for end := time.Now().Add(time.Duration(n) * time.Millisecond); time.Now().Before(end); {
		}
	case wire.TenantBurn:
		burn(arg)
	case wire.TenantCount:
		count()
	case wire.TenantRead:
		s, err := read(arg)
		die(err)
		fmt.Print(s)
	default:
		die(fmt.Errorf("unknown tenant %q", what))
	}
}

func die(err error) {
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
}

func alloc(mb int) {
	var keep [][]byte
	for range mb {
		b, err := unix.Mmap(-1, 0, 1<<20, unix.PROT_READ|unix.PROT_WRITE, unix.MAP_ANON|unix.MAP_PRIVATE)
		die(err)
		for i := 0; i < len(b); i += 4096 {
			b[i] = 1
		}
		keep = append(keep, b)
	}
	fmt.Println("allocated", len(keep))
}

func fill(path string) {
	f, err := os.Create(path)
	die(err)
	buf := make([]byte, 1<<20)
	for i := range buf {
		buf[i] = byte(i * 7)
	}
	var total int64
	for {
		n, err := f.Write(buf)
		total += int64(n)
		if err != nil {
			fmt.Println(total, err)
			return
		}
	}
}

// forkBomb starts children that do the same, until starting one fails; children of it wait to be killed.
func forkBomb() {
	for i := 0; ; i++ {
		cmd := exec.Command("/proc/self/exe", wire.TenantForkBomb)
		cmd.Env = os.Environ()
		if err := cmd.Start(); err != nil {
			if os.Getppid() == 1 {
				fmt.Println(err)
				return
			}
			select {}
		}
	}
}
