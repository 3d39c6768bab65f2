package pool

import (
	"time"

	"thaw.dev/thaw/lambda"
)

// How long to wait before an environment that could not be initialised ahead is tried again.
const (
	provisionRetry    = time.Second
	provisionRetryMax = time.Minute
)

// provision is the provisioned concurrency of one version. All members are guarded by the pool's mu.
type provision struct {
	fn       *lambda.Config
	want     int
	starting int
	pause    time.Duration // before the next try, after a failure
	retry    *time.Timer
	failure  error // of the last try; nil after one that went well
}

// Provision keeps n environments of this version initialised, from now on; 0 ends that. Environments that are too many
// end when they are idle.
func (p *Pool) Provision(fn *lambda.Config, n int) {
	k := keyOf(fn)
	p.mu.Lock()
	if p.closed {
		p.mu.Unlock()
		return
	}
	for old, v := range p.provisions { // an earlier revision of the version
		if old != k && old.account == k.account && old.name == k.name && old.version == k.version {
			v.retry.Stop()
			delete(p.provisions, old)
		}
	}
	v := p.provisions[k]
	if v == nil && n > 0 {
		v = &provision{}
		v.retry = time.AfterFunc(time.Hour, func() {
			p.mu.Lock()
			defer p.mu.Unlock()
			p.provisionMissing(k)
		})
		v.retry.Stop()
		p.provisions[k] = v
	}
	var surplus []*Environment
	if v != nil {
		v.fn, v.want, v.pause, v.failure = fn, n, 0, nil
		surplus = p.surplus(k)
		if n == 0 {
			v.retry.Stop()
			delete(p.provisions, k)
		}
		p.provisionMissing(k)
	}
	p.mu.Unlock()
	for _, e := range surplus {
		p.discard(e, CauseRetired)
	}
}

// Provisioned reports how far the provisioned concurrency of a version has come. The zero value means that it has none.
func (p *Pool) Provisioned(account, name, version string) lambda.Provisioned {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, v := range p.provisions {
		if k.account != account || k.name != name || k.version != version {
			continue
		}
		out := lambda.Provisioned{Requested: v.want, Status: lambda.ProvisionedInProgress}
		out.Allocated = p.provisioned(k)
		out.Available = out.Allocated
		switch {
		case out.Allocated >= v.want:
			out.Status = lambda.ProvisionedReady
		case v.failure != nil:
			out.Status, out.Reason = lambda.ProvisionedFailed, v.failure.Error()
		}
		return out
	}
	return lambda.Provisioned{}
}

// provisioned needs mu. It counts the provisioned environments of k.
func (p *Pool) provisioned(k key) int {
	n := 0
	if p.alive[k] == 0 {
		return 0
	}
	for e := range p.live {
		if e.key == k && e.Provisioned && !e.retired {
			n++
		}
	}
	return n
}

// provisionMissing needs mu. It starts what is missing.
func (p *Pool) provisionMissing(k key) {
	v := p.provisions[k]
	if v == nil || p.closed || v.pause > 0 && v.starting > 0 {
		return
	}
	for have := p.provisioned(k); have+v.starting < v.want; {
		v.starting++
		fn := v.fn
		p.work.Go(func() { p.provisionOne(k, fn) })
		if v.pause > 0 {
			return // one at a time, until one goes well
		}
	}
}

// provisionOne makes one environment ahead of requests.
func (p *Pool) provisionOne(k key, fn *lambda.Config) {
	e, err := p.create(p.ctx, fn, CauseProvisioned, initProvisioned)
	if err == nil && e.InitFailure != nil {
		err = e.InitFailure
		e.close()
		p.giveUpMemory(e)
	}
	p.mu.Lock()
	v := p.provisions[k]
	if v != nil {
		v.starting--
		v.failure = err
	}
	if err != nil {
		if v != nil && !p.closed {
			v.pause = min(max(2*v.pause, provisionRetry), provisionRetryMax)
			v.retry.Reset(v.pause)
		}
		p.mu.Unlock()
		if p.ctx.Err() == nil {
			p.o.Logger.Warn("environment could not be provisioned", "function", k.name, "version", k.version, "error", err)
		}
		p.o.Trace(Event{Kind: EventColdStart, Account: k.account, Function: k.name, Version: k.version,
			Runtime: fn.Runtime, Cause: CauseProvisioned, Err: err})
		return
	}
	p.adopt(e)
	if v == nil {
		e.retired = true // it is not wanted any more
	} else {
		v.pause = 0
		p.provisionMissing(k)
	}
	p.mu.Unlock()
	p.started(e, CauseProvisioned)
	p.Release(e)
}

// surplus needs mu. It takes the idle environments of k that are too many, and marks the busy ones.
func (p *Pool) surplus(k key) []*Environment {
	v := p.provisions[k]
	var out []*Environment
	have := p.provisioned(k)
	for _, onlyIdle := range []bool{true, false} {
		for e := range p.live {
			if have <= v.want || p.alive[k] == 0 {
				return out
			}
			if e.key != k || !e.Provisioned || e.retired || e.idle != onlyIdle {
				continue
			}
			e.retired = true
			have--
			if p.takeIdle(e) {
				out = append(out, e)
			}
		}
	}
	return out
}

// reprovision needs mu. It replaces e, which goes, if it was provisioned.
func (p *Pool) reprovision(e *Environment) {
	if e.Provisioned && !p.closed {
		p.provisionMissing(e.key)
	}
}
