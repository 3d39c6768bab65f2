package pool

import (
	"time"

	"thaw.dev/thaw/lambda"
)

// Credentials are variables with which a function proves who it is.
//
// Those that are shared go into a snapshot and to all environments made of it: they must be the same whenever they are asked
// for, and say where credentials are to be had rather than what they are. The others belong to one environment and may end.
type Credentials struct {
	// Env are the variables; they win over the function's own.
	Env map[string]string
	// Renew is when an environment that has them gets no more invocations: it is destroyed, and another begins with new ones.
	// It must lie at least the longest invocation before their end. Zero: they do not end.
	Renew time.Time
}

// credentialsFor makes e's credentials, once.
func (p *Pool) credentialsFor(e *Environment) Credentials {
	if p.o.Credentials == nil {
		return Credentials{}
	}
	return p.o.Credentials(e.Function, p.mayShare(e))
}

// mayShare reports whether e may become part of a snapshot, or come of one.
func (p *Pool) mayShare(e *Environment) bool {
	fn := e.Function
	return p.hasSnapshots(e.launchAs.Engine) && (fn.Optimized || p.o.SnapshotLatest && lambda.SnapshotsOffered(fn.Runtime) == nil)
}

// outdated reports whether e's credentials are too old for another invocation.
func (e *Environment) outdated(now time.Time) bool {
	return !e.credentials.Renew.IsZero() && !now.Before(e.credentials.Renew)
}
