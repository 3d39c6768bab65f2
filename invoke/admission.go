package invoke

import (
	"context"
	"sync"
	"time"

	"thaw.dev/thaw/lambda"
)

// Shares says what function versions may use of their account's concurrency; *control.Functions is one.
type Shares interface {
	// Share returns what holds now. It is called for each invocation with the counts locked, so that they follow one
	// order of changes: it must only look something up, and must not call the Invoker.
	Share(account, name, version string) lambda.Share
}

// admission counts the invocations under way and admits new ones while there is room for them.
//
// An invocation is counted once, at its version. Whether it counts against the account's Unreserved follows from that
// count and the share that was seen last: nothing of a function with a reservation does, else what a version runs beyond
// its Provisioned. So a change of shares neither loses nor leaks anything. It takes effect for a function with its next
// invocation, for those under way too; when they are more than it allows, no other begins until enough have ended.
type admission struct {
	shares Shares
	epoch  time.Time

	mu        sync.Mutex
	accounts  map[string]*gate // never forgotten: there are as many as tenants
	functions map[functionKey]*functionCount
	sweepAt   int // how many functions may be known before those of which nothing runs are forgotten
}

// maxIdle is how many functions are known at least before those of which nothing runs are forgotten.
const maxIdle = 1024

type functionKey struct{ account, name string }

// gate is a bound on invocations at once, and what its callers wait for. Guarded by the admission's mu.
type gate struct {
	used     int           // invocations that count
	settling int           // environments that have answered and are about to be free
	waiting  int           // callers that wait for one of those
	freed    chan struct{} // closed when something is given back; nil if nobody waits
	rate     bucket        // of requests
}

// functionCount is a function; its gate counts everything that runs of it, against Share.Reserved.
type functionCount struct {
	gate
	key      functionKey
	account  *gate          // counts what runs against Share.Unreserved
	reserved bool           // it had a reservation when its share was seen last
	versions []versionCount // those with something under way; few
	first    [1]versionCount
}

// versionCount is one version of a function.
type versionCount struct {
	name        string
	running     int
	provisioned int // as seen last
	charged     int // how many of running count against the account
}

// place is an invocation's place in the counts.
type place struct {
	function *functionCount // nil for no place
	version  string
	settling bool
}

func newAdmission(shares Shares) *admission {
	return &admission{shares: shares, epoch: time.Now(), accounts: map[string]*gate{}, functions: map[functionKey]*functionCount{}, sweepAt: maxIdle}
}

// enter admits one invocation of fn at a moment; leave must be called once for the place it returns. It refuses with
// KindThrottled where a bound is reached, after waiting a moment for an environment that is about to be free, if there is one.
// Invocations from the queue of events are queued: no rate bounds them.
func (a *admission) enter(ctx context.Context, fn *lambda.Config, at time.Time, queued bool) (place, error) {
	now := at.Sub(a.epoch)
	a.mu.Lock()
	defer a.mu.Unlock()
	var patience *time.Timer
	for {
		p, full, reason := a.try(fn, now, queued)
		if reason == "" {
			return p, nil
		}
		if full == nil || full.settling <= full.waiting {
			return place{}, throttled(reason, nil)
		}
		if patience == nil {
			patience = time.NewTimer(settlePatience)
			defer patience.Stop()
		}
		if !a.wait(ctx, full, patience.C) {
			return place{}, throttled(reason, nil)
		}
	}
}

// settlePatience is how long a caller at a bound waits for an environment that is about to be free. A runtime asks for its
// next event within a millisecond, on a busy machine within some more.
const settlePatience = 100 * time.Millisecond

// wait needs mu, which it gives up in between. It reports whether something was given back.
func (a *admission) wait(ctx context.Context, full *gate, patience <-chan time.Time) bool {
	if full.freed == nil {
		full.freed = make(chan struct{})
	}
	freed := full.freed
	full.waiting++
	a.mu.Unlock()
	defer func() {
		a.mu.Lock()
		full.waiting--
	}()
	select {
	case <-freed:
		return true
	case <-patience:
	case <-ctx.Done():
	}
	return false
}

// try needs mu. It takes a place, or returns the reason why not, with the gate that has no room if that is why.
func (a *admission) try(fn *lambda.Config, now time.Duration, queued bool) (place, *gate, string) {
	share := a.shares.Share(fn.Account, fn.Name, fn.Version)
	f := a.function(functionKey{fn.Account, fn.Name})
	f.apply(fn.Version, share)
	running := f.running(fn.Version)
	switch {
	case f.reserved && f.used >= share.Reserved:
		return place{}, &f.gate, reasonReserved
	case !f.reserved && running >= share.Provisioned && f.account.used >= share.Unreserved:
		return place{}, f.account, reasonAccount
	}
	if !queued {
		if reason := a.pace(f, share, running, now); reason != "" {
			return place{}, nil, reason
		}
	}
	if f.used == 0 {
		a.sweep(now)
		a.functions[f.key] = f
	}
	f.used++
	if running == 0 {
		f.versions = append(f.versions, versionCount{name: fn.Version, provisioned: share.Provisioned})
	}
	v := f.version(fn.Version)
	v.running++
	f.charge(v)
	return place{function: f, version: fn.Version}, nil, ""
}

// settle says that p's invocation was answered and its environment is about to be free.
func (a *admission) settle(p *place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	p.settling = true
	p.function.settling++
	p.function.account.settling++
}

// leave gives a place back.
func (a *admission) leave(p *place) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f := p.function
	p.function = nil
	if p.settling {
		f.settling--
		f.account.settling--
	}
	v := f.version(p.version)
	v.running--
	f.charge(v)
	if v.running == 0 {
		last := len(f.versions) - 1
		*v, f.versions[last] = f.versions[last], versionCount{}
		f.versions = f.versions[:last]
	}
	f.used--
	f.wake()
	f.account.wake()
}

// function needs mu. It returns the counts of a function, new ones if nothing runs of it.
func (a *admission) function(key functionKey) *functionCount {
	if f := a.functions[key]; f != nil {
		return f
	}
	account := a.accounts[key.account]
	if account == nil {
		account = &gate{}
		a.accounts[key.account] = account
	}
	f := &functionCount{key: key, account: account}
	f.versions = f.first[:0]
	return f
}

func (g *gate) wake() {
	if g.freed != nil {
		close(g.freed)
		g.freed = nil
	}
}

// apply makes what runs of f count as share says.
func (f *functionCount) apply(version string, share lambda.Share) {
	v := f.version(version)
	if v != nil {
		v.provisioned = share.Provisioned
	}
	if reserved := share.Reserved != lambda.NoReservation; reserved != f.reserved {
		f.reserved = reserved
		for i := range f.versions {
			f.charge(&f.versions[i])
		}
		return
	}
	if v != nil {
		f.charge(v)
	}
}

// charge makes what runs of v count against the account as far as it must.
func (f *functionCount) charge(v *versionCount) {
	charged := 0
	if !f.reserved {
		charged = max(0, v.running-v.provisioned)
	}
	f.account.used += charged - v.charged
	v.charged = charged
}

// version returns the count of a version, nil if nothing runs of it.
func (f *functionCount) version(name string) *versionCount {
	for i := range f.versions {
		if f.versions[i].name == name {
			return &f.versions[i]
		}
	}
	return nil
}

func (f *functionCount) running(version string) int {
	if v := f.version(version); v != nil {
		return v.running
	}
	return 0
}
