package agent

import (
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"thaw.dev/thaw/agent/extensions"
	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/agent/telemetryapi"
	"thaw.dev/thaw/link"
)

// startError says why a runtime process could not be started.
type startError struct {
	kind    string // see link.ExitMeta
	message string
}

func (e *startError) Error() string { return e.message }

// Kinds of startError. The first two are the function's fault; sandboxFailure is ours.
const (
	invalidEntrypoint = "Runtime.InvalidEntrypoint"
	invalidWorkingDir = "Runtime.InvalidWorkingDir"
	sandboxFailure    = "Sandbox.Failure"
)

// layerBootstrap is where a custom runtime is looked for when the function's package has none.
// Source: AWS Lambda developer guide, "Building a custom runtime".
const layerBootstrap = "/opt/bootstrap"

// start starts the runtime process and returns without waiting for it. A process that cannot be started is reported
// to the host, not returned: an error ends the agent.
func (a *agent) start(req *link.StartRequest) error {
	if a.run != nil && a.run.began {
		if err := a.clear(); err != nil {
			return err
		}
	}
	err := a.open(req.Era)
	if err == nil {
		a.run.began = true
		err = a.launch(req)
	}
	if e, ok := errors.AsType[*startError](err); ok {
		return a.control.json(link.TypeExited, link.ExitMeta{
			Run: req.Run, Code: -1, StartError: e.kind, Message: e.message,
		})
	}
	return err
}

func (a *agent) launch(req *link.StartRequest) error {
	if req.TmpBytes > 0 {
		if err := sizeTmp(req.TmpBytes); err != nil {
			return &startError{sandboxFailure, err.Error()}
		}
	}
	argv0, err := entrypoint(req)
	if err != nil {
		return err
	}
	files := []uintptr{0, fdLogs, fdLogs}
	switch req.Kind {
	case link.KindFrames:
		// The process expects the usual mode; one before it may have changed that for all who share the channel.
		if err := syscall.SetNonblock(fdData, false); err != nil {
			return fmt.Errorf("prepare data channel: %w", err)
		}
		files = append(files, fdData)
		if r := a.run; req.Wrapped {
			// The host speaks to the bundled runtime; if another program asks for events, they are its.
			r.api.ServesOnDemand(func() (err error) {
				r.events, err = readEvents(r.api, a.fail)
				return err
			})
		}
	case link.KindHTTP:
		var err error
		if a.run.events, err = readEvents(a.run.api, a.fail); err != nil {
			return &startError{sandboxFailure, err.Error()}
		}
		a.run.api.Serves(slices.Contains(req.Env, snapStart))
	default:
		return fmt.Errorf("%w: runtime kind %q", link.ErrProtocol, req.Kind)
	}
	devNull, err := os.Open(os.DevNull)
	if err != nil {
		return &startError{sandboxFailure, err.Error()}
	}
	defer func() { _ = devNull.Close() }()
	files[0] = devNull.Fd()

	p, err := a.procs.start(req.Run, func() (int, error) {
		return fork(program{
			argv: append([]string{argv0}, req.Argv[1:]...), env: req.Env, dir: req.Dir, uid: req.UID, gid: req.GID,
			openFiles: req.OpenFiles, processes: req.Processes, files: files,
		})
	})
	if err != nil {
		return err
	}
	a.run.proc = p
	go a.watch(p, a.run.api) // ends with the process; clear waits for it
	return nil
}

// entrypoint finds the program to run.
func entrypoint(req *link.StartRequest) (string, error) {
	if len(req.Argv) == 0 {
		return "", &startError{invalidEntrypoint, "no command"}
	}
	if fi, err := os.Stat(req.Dir); err != nil || !fi.IsDir() {
		return "", &startError{invalidWorkingDir, "no such directory: " + req.Dir}
	}
	argv0 := req.Argv[0]
	if req.Kind != link.KindHTTP || exists(argv0) {
		return argv0, nil
	}
	if !exists(layerBootstrap) {
		return "", &startError{invalidEntrypoint, "Couldn't find valid bootstrap(s): [" + argv0 + " " + layerBootstrap + "]"}
	}
	return layerBootstrap, nil
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return !errors.Is(err, fs.ErrNotExist)
}

// snapStart is set for a runtime that may be copied once it is initialised.
// Source: AWS Lambda developer guide, "Defined runtime environment variables".
const snapStart = "AWS_LAMBDA_INITIALIZATION_TYPE=snap-start"

// open makes a run, if there is none yet, and begins to serve its APIs.
func (a *agent) open(era uint32) error {
	if a.run != nil {
		return nil
	}
	ln, err := net.Listen("tcp", runtimeapi.Addr)
	if err != nil {
		return &startError{sandboxFailure, err.Error()}
	}
	r := &run{questions: newQuestions(&a.control, era), external: map[*extensions.Extension]*process{}}
	r.extensions = extensions.New(&host{control: &a.control, questions: r.questions, era: era})
	r.telemetry = telemetryapi.New(subscriptions{r.questions})
	r.api = runtimeapi.New(ln, a.data.message, r.route)
	a.run = r
	go r.api.Serve() // ends in Close, which clear calls
	return nil
}

// program is a process to be.
type program struct {
	argv, env []string
	dir       string
	uid, gid  int
	files     []uintptr // its descriptors, from 0 on

	openFiles, processes uint64 // limits; 0 leaves the default
}

// fork creates the process as a session of its own. It runs with the limits asked for, or the highest allowed.
func fork(p program) (int, error) {
	// The limits become the agent's own, for the process to inherit them: they do it no harm, as it needs few files
	// and root is not counted.
	for _, l := range []struct {
		resource int
		max      uint64
	}{{syscall.RLIMIT_NOFILE, p.openFiles}, {rlimitNproc, p.processes}} {
		if err := limit(l.resource, l.max); err != nil {
			return 0, &startError{sandboxFailure, fmt.Sprintf("set limit %d: %v", l.resource, err)}
		}
	}
	// No new privileges is an attribute of the thread that forks.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if _, _, errno := syscall.RawSyscall6(syscall.SYS_PRCTL, prSetNoNewPrivs, 1, 0, 0, 0, 0); errno != 0 {
		return 0, &startError{sandboxFailure, "set no new privileges: " + errno.Error()}
	}
	pid, err := syscall.ForkExec(p.argv[0], p.argv, &syscall.ProcAttr{
		Dir:   p.dir,
		Env:   p.env,
		Files: p.files,
		Sys: &syscall.SysProcAttr{
			Setsid:     true,
			Credential: &syscall.Credential{Uid: uint32(p.uid), Gid: uint32(p.gid)}, // no other groups
		},
	})
	if err != nil {
		return 0, &startError{invalidEntrypoint, "fork/exec " + p.argv[0] + ": " + err.Error()}
	}
	return pid, nil
}

// Numbers that package syscall lacks. Source: linux/prctl.h, asm-generic/resource.h.
const (
	prSetNoNewPrivs = 38
	rlimitNproc     = 6
)

// limit sets soft and hard limit to n, or to the present hard limit if that is lower; 0 changes nothing.
func limit(resource int, n uint64) error {
	if n == 0 {
		return nil
	}
	var l syscall.Rlimit
	if err := syscall.Getrlimit(resource, &l); err != nil {
		return err
	}
	n = min(n, l.Max)
	return syscall.Setrlimit(resource, &syscall.Rlimit{Cur: n, Max: n})
}

// postGrace is how long the children of a runtime process that has ended may go on with an answer they have begun.
const postGrace = time.Second

// watch waits for the end of the process and tells the host, after everything the runtime said.
func (a *agent) watch(p *process, api *runtimeapi.Server) {
	defer close(p.reported)
	<-p.ended
	api.Drain(postGrace)
	meta := link.ExitMeta{Run: p.number, Code: p.status.ExitStatus()}
	if p.status.Signaled() {
		meta.Code, meta.Signal = -1, p.signalName()
	}
	_ = a.control.json(link.TypeExited, meta) // if the host is gone, Run ends
}

// signalName names the signal that ended the process.
func (p *process) signalName() string {
	return strings.TrimSuffix(p.status.Signal().String(), " (core dumped)")
}
