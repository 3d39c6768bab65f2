package keepalive

import (
	"cmp"
	"time"
)

// Key names what an environment can serve: one version of one function of one account.
type Key struct{ Account, Function, Version string }

// Options say what memory and waiting are worth and what the operator allows.
type Options struct {
	// Min is how long an idle environment is kept at least. Above Max it counts as Max.
	Min time.Duration
	// Max is how long an idle environment is kept at most; 0 keeps none and makes none ahead.
	Max time.Duration
	// Exchange is how many GB·s of idle memory one second of waiting for a cold start is worth. 0 means
	// DefaultExchange.
	Exchange float64
	// Cost and Bytes are assumed of a cold start and its environment until Started tells. 0 means DefaultCost and
	// DefaultBytes.
	Cost  time.Duration
	Bytes int64
}

// Defaults of Options.
const (
	// DefaultExchange holds an environment of 40 MB whose cold start takes 150 ms for ten minutes. At the price of
	// memory on Lambda (0.0000167 USD per GB·s, AWS Lambda pricing, x86) an hour of waiting is then worth 10 USD.
	DefaultExchange = 160.0
	// DefaultCost is the assumed cost of a cold start.
	DefaultCost = 150 * time.Millisecond
	// DefaultBytes is the assumed memory of an environment.
	DefaultBytes = 40_000_000
)

// Policy decides about all environments of a host. It is not safe for concurrent use. All times given to it come from
// one clock; the zero time.Time is not special.
type Policy struct {
	o     Options
	epoch time.Time // of the first call; times are kept as the duration since
	keys  map[Key]*function
	clock float64 // of GreedyDual-Size-Frequency

	// What new functions may be expected to do: the early gaps of all, of level 1 and of the levels above.
	first, above population
}

// New returns a policy that knows no function yet.
func New(o Options) *Policy {
	o.Exchange = cmp.Or(o.Exchange, DefaultExchange)
	o.Cost = cmp.Or(o.Cost, DefaultCost)
	o.Bytes = cmp.Or(o.Bytes, DefaultBytes)
	o.Min = min(o.Min, o.Max)
	return &Policy{o: o, keys: make(map[Key]*function)}
}

// Arrived says that an invocation of k began: it was admitted and will have an environment, sooner or later.
func (p *Policy) Arrived(k Key, at time.Time) {
	now := p.since(at)
	f := p.function(k)
	f.running++
	l := f.level(f.running)
	l.used(now)
	if l.idleSince == busy {
		return
	}
	gap := now - l.idleSince
	l.idleSince = busy
	if gap < quantum {
		return
	}
	if l.gaps == nil {
		l.gaps = new(gaps)
	}
	i := binOf(gap)
	if l.gaps.total < early {
		p.population(f.running).add(i)
	}
	l.gaps.add(i)
	l.stale()
}

// Idle says that an invocation of k is over and its environment becomes idle now. It returns what to do with the
// environment.
func (p *Policy) Idle(k Key, at time.Time) Plan {
	now := p.since(at)
	f := p.function(k)
	l := f.fall(now)
	if p.o.Max <= 0 {
		return Plan{Reason: ReasonNone}
	}
	if l.fresh == 0 {
		p.plan(f, l)
	}
	l.fresh--
	return l.plan
}

// Lost says that an invocation of k ended, or will never begin, and no environment becomes idle: the environment was
// destroyed, its cold start failed, the caller was refused after Arrived.
func (p *Policy) Lost(k Key, at time.Time) { p.function(k).fall(p.since(at)) }

// Prewarmed says that an environment of k is idle from now on that no invocation has used: it was made because of
// Plan.Prewarm. It returns what to do with it.
func (p *Policy) Prewarmed(k Key, at time.Time) Plan {
	f := p.function(k)
	l := f.level(1)
	if p.o.Max <= 0 || l.idleSince == busy {
		return Plan{Keep: p.o.Min, Reason: ReasonLate}
	}
	return p.planAt(f, l, p.since(at)-l.idleSince)
}

// Started says that a cold start of k took cost and that its environment holds bytes of memory when it is idle.
// Values below one millisecond or one MiB count as that.
func (p *Policy) Started(k Key, cost time.Duration, bytes int64) {
	f := p.function(k)
	f.learn(max(cost, time.Millisecond).Seconds(), float64(max(bytes, 1<<20))/1e9)
}

// Forget drops all that is known about k: it was deleted or retired.
func (p *Policy) Forget(k Key) { delete(p.keys, k) }

// Len is the number of keys that something is known about.
func (p *Policy) Len() int { return len(p.keys) }

// since is at on the policy's own scale.
func (p *Policy) since(at time.Time) time.Duration {
	if p.epoch.IsZero() {
		p.epoch = at
	}
	return at.Sub(p.epoch)
}

func (p *Policy) function(k Key) *function {
	f := p.keys[k]
	if f == nil {
		f = &function{cost: float32(p.o.Cost.Seconds()), gb: float32(p.o.Bytes) / 1e9}
		f.one.idleSince = busy
		p.keys[k] = f
	}
	return f
}

func (p *Policy) population(level int) *population {
	if level == 1 {
		return &p.first
	}
	return &p.above
}
