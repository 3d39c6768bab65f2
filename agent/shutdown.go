package agent

import (
	"syscall"
	"time"

	"thaw.dev/thaw/link"
)

// runtimeShare is the runtime's part of a shutdown's budget where there are external extensions, in percent.
// Source: AWS's Runtime Interface Emulator.
const runtimeShare = 30

// shutdown has everything end as on Lambda: SIGTERM to the runtime, then SHUTDOWN to the extensions that subscribed to
// it; what has not ended in its time is killed. It says so to the host, which waits for it.
func (a *agent) shutdown(req *link.ShutdownRequest) error {
	r := a.run
	if r == nil {
		return a.control.json(link.TypeShutDown, link.ExtensionMeta{})
	}
	budget := time.Duration(req.BudgetMS) * time.Millisecond
	end := time.NewTimer(budget) // not by the clock of the host: a sandbox that was frozen may have another
	defer end.Stop()
	r.extensions.Quiet()
	r.telemetry.Flush(func() {})
	if p := r.proc; p != nil {
		share := budget
		if r.extensions.Has() {
			share = budget * runtimeShare / 100
		}
		a.terminate(p, share)
	}
	told, others := r.extensions.End(req.Reason, time.UnixMilli(req.DeadlineMS))
	for _, e := range others {
		if p := r.external[e]; p != nil {
			a.procs.signal(p, syscall.SIGKILL, true)
		}
	}
	for _, e := range told {
		select {
		case <-e.Done():
			continue
		case <-end.C:
		}
		break // the rest is killed by the Reset that follows, or with the sandbox
	}
	return a.control.json(link.TypeShutDown, link.ExtensionMeta{Era: r.questions.era})
}

// terminate asks the process to end, and kills it and what it started if it has not within the time.
func (a *agent) terminate(p *process, within time.Duration) {
	timer := time.NewTimer(within)
	defer timer.Stop()
	a.procs.signal(p, syscall.SIGTERM, false)
	select {
	case <-p.ended:
	case <-timer.C:
		a.procs.signal(p, syscall.SIGKILL, true)
	}
}
