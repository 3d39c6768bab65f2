package supervisor

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"syscall"
)

// Argv0 is the supervisor's argument 0, by which a program that can be it knows that it is it: it then calls Run and does
// nothing else before.
const Argv0 = "thaw-firecracker-supervisor"

// Socket is the file descriptor of the socket to the driver.
const Socket = 3

// Run is the whole life of a supervisor. It returns the exit status: the jailer's process's own, or 125 if the supervisor
// itself failed, which it then said on standard error or to the driver.
func Run() int {
	syscall.CloseOnExec(Socket)
	var start Start
	if _, err := receive(Socket, &start); err != nil {
		return failed(err)
	}
	s, tap, err := setUp(&start)
	if err != nil {
		_ = send(Socket, reply{Error: err.Error()})
		return failed(err)
	}
	// The directory is sent as what it is, a name: nothing can be read through it that its user may not read.
	fds := []int{int(s.jail.root.Fd())}
	if tap != nil {
		fds = append(fds, int(tap.Fd()))
	}
	if err := send(Socket, reply{}, fds...); err != nil {
		return failed(err)
	}
	if tap != nil {
		_ = tap.Close()
	}
	go func() { // ends with the process
		os.Exit(failed(s.serve()))
	}()
	return s.wait()
}

const exitFailed = 125

func failed(err error) int {
	if errors.Is(err, errClosed) {
		return 0 // the driver wants the machine to end
	}
	fmt.Fprintf(os.Stderr, "supervisor: %v\n", err)
	return exitFailed
}

// supervisor is a machine's init process.
type supervisor struct {
	jail   *jail
	jailer *exec.Cmd
}

// setUp builds the jail and starts the jailer.
func setUp(start *Start) (*supervisor, *os.File, error) {
	var tap *os.File
	if start.MTU > 0 { // before /proc is replaced by one without settings
		var err error
		if tap, err = connect(start.UID, start.MTU); err != nil {
			return nil, nil, err
		}
	}
	j, err := build(start)
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.Command(start.Argv[0], start.Argv[1:]...) //nolint:gosec,noctx // the driver's
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = []string{}
	if err := cmd.Start(); err != nil {
		return nil, nil, fmt.Errorf("start the jailer: %w", err)
	}
	if err := j.showDescriptors(cmd.Process.Pid); err != nil {
		return nil, nil, err
	}
	return &supervisor{jail: j, jailer: cmd}, tap, nil
}

// serve does what the driver asks for until it closes the socket.
func (s *supervisor) serve() error {
	for {
		var r request
		files, err := receive(Socket, &r)
		if err != nil {
			return err
		}
		var answer reply
		if err := s.do(r, files); err != nil {
			answer.Error = err.Error()
		}
		closeAll(files)
		if err := send(Socket, answer); err != nil {
			return err
		}
	}
}

func (s *supervisor) do(r request, files []*os.File) error {
	switch {
	case r.Mount != "" && len(files) == 1:
		return s.jail.mount(Place(r.Mount), files[0])
	case r.Unmount != "" && len(files) == 0:
		return s.jail.unmount(Place(r.Unmount))
	case r.Network && len(files) == 0:
		return awaitForwarding()
	}
	return errors.New("no such request")
}

// wait returns the exit status of the jailer's process, which became Firecracker.
func (s *supervisor) wait() int {
	err := s.jailer.Wait()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit) && exit.ExitCode() >= 0:
		return exit.ExitCode()
	default:
		return failed(err)
	}
}
