package agent

import (
	"errors"
	"fmt"
	"syscall"
	"time"

	"thaw.dev/thaw/link"
)

// reset brings the sandbox back to where it was before its first Start, but for /tmp, and says so.
func (a *agent) reset(nonce [link.NonceBytes]byte) error {
	if err := a.clear(); err != nil {
		return err
	}
	if err := channel(fdData).drain(); err != nil {
		return fmt.Errorf("empty data channel: %w", err)
	}
	return a.data.frame(link.TypeSync, nonce[:])
}

// clear ends every process but this one and everything that served them. Nothing is written to the data channel on
// behalf of the old run after it.
func (a *agent) clear() error {
	r := a.run
	a.run = nil
	if r != nil {
		r.extensions.Quiet()
	}
	if err := a.killAll(); err != nil {
		return err
	}
	if r == nil {
		return nil
	}
	if r.proc != nil {
		<-r.proc.reported
	}
	r.watchers.Wait()
	r.questions.close() // nobody reads answers while this goes on
	r.extensions.Close()
	r.telemetry.Close()
	r.api.Close() // also ends a Deliver that waits for a runtime to read
	if r.events != nil {
		r.events.close()
	}
	return nil
}

// killTimeout bounds the wait for killed processes to be gone, killPoll is the time between two looks.
const (
	killTimeout = 5 * time.Second
	killPoll    = time.Millisecond
)

// killAll kills every process but this one and waits until they are gone. A process that was being forked meanwhile
// is met by the next round; orphans become children of PID 1, so no children means no processes.
func (a *agent) killAll() error {
	for deadline := time.Now().Add(killTimeout); ; time.Sleep(killPoll) {
		if err := syscall.Kill(-1, syscall.SIGKILL); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fmt.Errorf("kill all processes: %w", err)
		}
		if !a.procs.reap() {
			return nil
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("processes are left %s after they were killed", killTimeout)
		}
	}
}
