package main

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// What PID 1 has in its memory, which only it changes.
var (
	counter  int64
	openFile *os.File
	child    struct {
		in  io.Writer
		out *bufio.Reader
	}
)

// readOn reads the next n bytes of the file that it opened the first time.
func readOn(path string, n int64) (string, error) {
	if openFile == nil {
		f, err := os.Open(path)
		if err != nil {
			return "", err
		}
		openFile = f
	}
	b := make([]byte, min(n, 64<<10))
	got, err := io.ReadFull(openFile, b)
	return string(b[:got]), err
}

// askChild returns how often a child process, which is there from the first time on, was asked.
func askChild() (int64, error) {
	if child.in == nil {
		cmd := exec.Command("/proc/self/exe", wire.TenantCount)
		in, err := cmd.StdinPipe()
		if err != nil {
			return 0, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		child.in, child.out = in, bufio.NewReader(out)
	}
	if _, err := io.WriteString(child.in, "\n"); err != nil {
		return 0, err
	}
	line, err := child.out.ReadString('\n')
	if err != nil {
		return 0, err
	}
	return strconv.ParseInt(line[:len(line)-1], 10, 64)
}

// count is the child's life.
func count() {
	in := bufio.NewReader(os.Stdin)
	for n := 1; ; n++ {
		if _, err := in.ReadString('\n'); err != nil {
			return
		}
		fmt.Println(n)
	}
}

func random() (string, error) {
	b := make([]byte, 16)
	_, err := io.ReadFull(rand.Reader, b) // getrandom(2)
	device, derr := os.Open("/dev/urandom")
	if derr != nil {
		return "", derr
	}
	defer func() { _ = device.Close() }()
	d := make([]byte, 16)
	_, derr = io.ReadFull(device, d)
	return hex.EncodeToString(b) + " " + hex.EncodeToString(d), errors.Join(err, derr)
}

// clocks returns Unix time and the monotonic clock, in nanoseconds.
func clocks() (wall int64, monotonic string, err error) {
	var w, m unix.Timespec
	if err := unix.ClockGettime(unix.CLOCK_REALTIME, &w); err != nil {
		return 0, "", err
	}
	err = unix.ClockGettime(unix.CLOCK_MONOTONIC, &m)
	return w.Nano(), strconv.FormatInt(m.Nano(), 10), err
}
