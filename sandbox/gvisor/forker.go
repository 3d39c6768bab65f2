package gvisor

import (
	"os"
	"runtime"
)

// forker runs functions one after the other on one OS thread, which lives until stop.
//
// A parent-death signal is sent when the *thread* that forked ends. Go ends threads as it likes, so a sentry forked
// from an ordinary goroutine could be killed while the daemon lives. Forking one after the other is also what the
// library needs, because it takes the container's stdio from os.Stdin, os.Stdout and os.Stderr.
type forker struct {
	jobs chan func()
	done chan struct{}
}

func startForker() *forker {
	f := &forker{jobs: make(chan func()), done: make(chan struct{})}
	go func() { // ends by stop, which waits for it
		defer close(f.done)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		for job := range f.jobs {
			job()
		}
	}()
	return f
}

// submit runs job when its turn comes; it returns before. quit ends the wait for the turn; submit returns false then
// and job never runs.
func (f *forker) submit(quit <-chan struct{}, job func()) bool {
	select {
	case f.jobs <- job:
		return true
	case <-quit:
		return false
	}
}

// stop ends the thread. The caller makes sure that nobody submits any more.
func (f *forker) stop() {
	close(f.jobs)
	<-f.done
}

// withStdio calls f with the process's standard files replaced. Only to be called on the forker's thread.
func withStdio(in, out, err *os.File, f func()) {
	oldIn, oldOut, oldErr := os.Stdin, os.Stdout, os.Stderr
	os.Stdin, os.Stdout, os.Stderr = in, out, err
	defer func() { os.Stdin, os.Stdout, os.Stderr = oldIn, oldOut, oldErr }()
	f()
}
