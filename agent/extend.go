package agent

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"thaw.dev/thaw/agent/extensions"
	"thaw.dev/thaw/link"
)

// extensionDir is where external extensions are: each file directly in it is the program of one.
// Source: AWS Lambda Extensions API.
const extensionDir = "/opt/extensions"

// extend starts the external extensions and returns without waiting for them. The registry tells the host when all have
// registered, or what went wrong.
func (a *agent) extend(req *link.ExtendRequest) error {
	report := func(name, message string) error {
		return a.control.json(link.TypeBroken, link.BrokenMeta{
			Era: req.Era, Name: name, Type: link.ExtensionLaunchError, Message: message,
		})
	}
	if err := a.open(req.Era); err != nil {
		return report("", err.Error())
	}
	if req.TmpBytes > 0 {
		if err := sizeTmp(req.TmpBytes); err != nil {
			return report("", err.Error())
		}
	}
	names, err := externalExtensions()
	if err != nil {
		return report("", err.Error())
	}
	for _, name := range names {
		if err := a.launchExtension(name, req); err != nil {
			return report(name, err.Error())
		}
	}
	a.run.extensions.AllLaunched()
	return nil
}

// externalExtensions returns the names of the files in extensionDir, sorted.
func externalExtensions() ([]string, error) {
	dir, err := os.Open(extensionDir)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ENOTDIR) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	defer func() { _ = dir.Close() }()
	entries, err := dir.ReadDir(-1)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		fi, err := os.Stat(extensionDir + "/" + e.Name()) // what a symbolic link leads to
		if err == nil && fi.Mode().IsRegular() {
			names = append(names, e.Name())
		}
	}
	slices.Sort(names)
	if len(names) > link.MaxExtensions {
		return nil, fmt.Errorf("%d files in %s, at most %d are allowed", len(names), extensionDir, link.MaxExtensions)
	}
	return names, nil
}

// launchExtension starts one.
func (a *agent) launchExtension(name string, req *link.ExtendRequest) error {
	devNull, err := os.Open(os.DevNull)
	if err != nil {
		return err
	}
	defer func() { _ = devNull.Close() }()
	output, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer func() { _ = theirs.Close() }()
	e := a.run.extensions.Launch(name)
	p, err := a.procs.start(0, func() (int, error) {
		return fork(program{
			argv: []string{extensionDir + "/" + name}, env: req.Env, dir: "/", uid: req.UID, gid: req.GID,
			openFiles: req.OpenFiles, processes: req.Processes, files: []uintptr{devNull.Fd(), theirs.Fd(), theirs.Fd()},
		})
	})
	if err != nil {
		_ = output.Close()
		return err
	}
	a.run.external[e] = p
	relayed := make(chan struct{})
	r := a.run.extensions
	a.run.watchers.Go(func() { // ends with all who can write to the pipe; clear waits for it
		defer close(relayed)
		defer func() { _ = output.Close() }()
		a.relay(output)
	})
	a.run.watchers.Go(func() { watchExtension(r, e, p, relayed) }) // ends with the process; clear waits for it
	return nil
}

// relay sends the host every line of an extension: the host tells them from the runtime's, whose subscribers may be the
// same extension.
func (a *agent) relay(output *os.File) {
	for in := bufio.NewReaderSize(output, link.MaxOutputBytes); ; {
		line, err := in.ReadSlice('\n')
		if len(line) > 0 {
			_ = a.control.frame(link.TypeOutput, bytes.TrimSuffix(line, []byte{'\n'})) // if the host is gone, Run ends
		}
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return
		}
	}
}

// lastWords is how long the end of an extension's process is kept back for what it printed before: children of it may
// hold its output open.
const lastWords = 50 * time.Millisecond

// watchExtension tells the registry how an external extension ends.
func watchExtension(r *extensions.Registry, e *extensions.Extension, p *process, relayed <-chan struct{}) {
	<-p.ended
	timer := time.NewTimer(lastWords)
	defer timer.Stop()
	select {
	case <-relayed:
	case <-timer.C:
	}
	how := fmt.Sprintf("exit status %d", p.status.ExitStatus())
	if p.status.Signaled() {
		how = "signal: " + strings.ToLower(p.signalName())
	}
	r.Ended(e, how)
}

// happen tells the extensions of an invocation.
func (a *agent) happen(ev *link.EventMeta) error {
	if a.run != nil {
		a.run.extensions.Happen(ev)
	}
	return nil
}
