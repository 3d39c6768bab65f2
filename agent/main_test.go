package agent_test

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"syscall"
	"testing"
	"unsafe"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"thaw.dev/thaw/agent"
	"thaw.dev/thaw/internal/leakcheck"
)

// The test binary plays three parts: the host, the agent in namespaces of its own, and a function written in Go.
const (
	partVariable = "THAW_TEST_PART"
	partAgent    = "agent"
	partFunction = "function"

	// preparedTmp, in the agent's environment, is the size of the /tmp that an engine mounted beforehand.
	preparedTmp = "THAW_TEST_TMP"

	// preparedExtension, in the agent's environment, is the name of a file in /opt/extensions, a space, and its content
	// in base64. An empty file cannot be executed.
	preparedExtension = "THAW_TEST_EXTENSION"
)

// optFile is an entry of newBox's env that places a file in /opt/extensions.
func optFile(name, content string) string {
	return preparedExtension + "=" + name + " " + base64.StdEncoding.EncodeToString([]byte(content))
}

// furnishExtension writes the file that optFile placed.
func furnishExtension() error {
	name, text, found := strings.Cut(os.Getenv(preparedExtension), " ")
	if !found {
		return nil
	}
	content, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return err
	}
	mode := os.FileMode(0o755)
	if len(content) == 0 {
		mode = 0o644
	}
	return errors.Join(os.Mkdir("/opt/extensions", 0o755), os.WriteFile("/opt/extensions/"+name, content, mode))
}

func TestMain(m *testing.M) {
	switch os.Getenv(partVariable) {
	case partAgent:
		if err := furnish(); err != nil {
			fmt.Fprintln(os.Stderr, "furnish:", err)
			os.Exit(3)
		}
		if err := agent.Run(); err != nil {
			fmt.Fprintln(os.Stderr, "agent:", err)
			os.Exit(1)
		}
		os.Exit(0)
	case partFunction:
		lambda.Start(handle)
	default:
		leakcheck.Main(m)
	}
}

// self is the test binary inside the sandbox.
const self = "/var/self"

// furnish makes a sandbox out of fresh mount, network and PID namespaces: a /var and an /opt of its own, this binary
// where the runtime's user can run it, /proc, and a loopback device that is up.
func furnish() error {
	const sysCloseRange, cloexec = 436, 4 // package syscall lacks close_range
	if _, _, errno := syscall.Syscall(sysCloseRange, 3, 1<<16, cloexec); errno != 0 {
		return fmt.Errorf("what the test itself inherited: %w", errno)
	}
	binary, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("private mounts: %w", err)
	}
	for _, m := range [][2]string{{"tmpfs", "/var"}, {"tmpfs", "/opt"}, {"proc", "/proc"}} {
		if err := syscall.Mount(m[0], m[1], m[0], 0, ""); err != nil {
			return fmt.Errorf("mount %s: %w", m[1], err)
		}
	}
	if size := os.Getenv(preparedTmp); size != "" {
		if err := syscall.Mount("tmpfs", "/tmp", "tmpfs", 0, "mode=1777,size="+size); err != nil {
			return fmt.Errorf("mount /tmp: %w", err)
		}
	}
	out, err := os.OpenFile(self, os.O_CREATE|os.O_WRONLY, 0o755)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, binary)
	if err := errors.Join(err, out.Close(), binary.Close()); err != nil {
		return err
	}
	for path, mode := range map[string]os.FileMode{"/var/locked": 0o644, "/opt/bootstrap": 0o755} {
		if err := os.WriteFile(path, []byte("#!/bin/sh\necho from $0\nexit 5\n"), mode); err != nil {
			return err
		}
	}
	if err := os.WriteFile("/var/lost", []byte("#!/no/such/interpreter\n"), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile("/var/garbage", []byte("\x00\x01\x02\x03"), 0o755); err != nil {
		return err
	}
	return errors.Join(furnishExtension(), loopbackUp())
}

func loopbackUp() error {
	s, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_DGRAM|syscall.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer func() { _ = syscall.Close(s) }()
	request := struct {
		name  [16]byte
		flags uint16
		_     [22]byte
	}{name: [16]byte{'l', 'o'}, flags: syscall.IFF_UP}
	if _, _, errno := syscall.Syscall(syscall.SYS_IOCTL, uintptr(s), syscall.SIOCSIFFLAGS, uintptr(unsafe.Pointer(&request))); errno != 0 {
		return fmt.Errorf("loopback up: %w", errno)
	}
	return nil
}

// order is the function's event.
type order struct {
	Fail, Panic bool
	Exit        int
	Text        string
}

// report is its result.
type report struct {
	Text, ID, ARN, Trace, App string
	Deadline                  int64
}

// handle is the function.
func handle(ctx context.Context, o order) (report, error) {
	switch {
	case o.Fail:
		return report{}, errors.New("as ordered")
	case o.Panic:
		panic("as ordered")
	case o.Exit != 0:
		os.Exit(o.Exit)
	}
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return report{
		Text: o.Text, ID: lc.AwsRequestID, ARN: lc.InvokedFunctionArn, Trace: os.Getenv("_X_AMZN_TRACE_ID"),
		App: lc.ClientContext.Client.AppTitle, Deadline: deadline.UnixMilli(),
	}, nil
}
