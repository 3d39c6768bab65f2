package pool

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
)

// reservation is a cold start that waits in line for memory.
type reservation struct {
	bytes   int64
	granted chan struct{} // closed, under the pool's mu, when the bytes are its own
}

// reserve takes bytes from the budget. If they are not free it drains stocks, then evicts idle environments, and waits in
// line.
func (p *Pool) reserve(ctx context.Context, bytes int64) error {
	if bytes > p.o.MemoryBudget {
		return &lambda.Error{
			Kind: lambda.KindThrottled, Reason: "ConcurrentInvocationLimitExceeded",
			Msg: fmt.Sprintf("the function needs %d MiB, more than the server's whole memory budget of %d MiB; raise --memory-budget",
				bytes>>20, p.o.MemoryBudget>>20),
		}
	}
	r := &reservation{bytes: bytes, granted: make(chan struct{})}
	p.mu.Lock()
	p.inLine = append(p.inLine, r)
	p.grant()
	p.drainFor()
	victims := p.victims()
	p.mu.Unlock()
	for _, e := range victims {
		p.destroy(e, CauseEvicted)
	}
	err := p.awaitGrant(ctx, r)
	if err == nil {
		return nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	select {
	case <-r.granted:
		return nil // just in time
	default:
	}
	p.inLine = slices.DeleteFunc(p.inLine, func(x *reservation) bool { return x == r })
	p.grant() // it may have stood in the way of a smaller one
	return err
}

// awaitGrant waits in line for as long as the line moves: ErrNoMemory when it has not for Options.PlaceTimeout, and after
// maxWait in any case.
func (p *Pool) awaitGrant(ctx context.Context, r *reservation) error {
	end := time.Now().Add(maxWait)
	timeout := time.NewTimer(p.o.PlaceTimeout)
	defer timeout.Stop()
	for {
		select {
		case <-r.granted:
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-timeout.C:
		}
		p.mu.Lock()
		patience := min(time.Until(p.lastGrant.Add(p.o.PlaceTimeout)), time.Until(end))
		p.mu.Unlock()
		if patience <= 0 {
			return ErrNoMemory
		}
		timeout.Reset(patience)
	}
}

// giveUpMemory returns what a failed cold start had reserved.
func (p *Pool) giveUpMemory(e *Environment) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if e.slot != nil && e.sandbox != nil {
		delete(p.inside, e.ID())
	}
	p.unreserve(e.reserved)
}

// unreserve needs mu.
func (p *Pool) unreserve(bytes int64) {
	p.used -= bytes
	if p.used < 0 {
		panic("pool: more memory given back than reserved")
	}
	p.grant()
	p.wakeRefill()
}

// grant needs mu. It serves those in line, strictly in order.
func (p *Pool) grant() {
	for len(p.inLine) > 0 && p.used+p.inLine[0].bytes <= p.o.MemoryBudget {
		p.used += p.inLine[0].bytes
		p.lastGrant = time.Now()
		close(p.inLine[0].granted)
		p.inLine = p.inLine[1:]
	}
}

// shortage needs mu. It is how many bytes those in line lack beyond what is free or about to be.
func (p *Pool) shortage() int64 {
	if len(p.inLine) == 0 {
		return 0
	}
	bytes := p.used - p.leaving - p.o.MemoryBudget
	for _, r := range p.inLine {
		bytes += r.bytes
	}
	return bytes
}

// victims needs mu. It condemns as many idle environments, those the policy values least first, as those in line need.
// Provisioned ones stay.
func (p *Pool) victims() []*Environment {
	if p.shortage() <= 0 {
		return nil
	}
	var idle []*Environment
	for _, es := range p.idle {
		for _, e := range es {
			if !e.Provisioned {
				idle = append(idle, e)
			}
		}
	}
	slices.SortFunc(idle, func(a, b *Environment) int {
		return cmp.Or(cmp.Compare(a.worth, b.worth), a.since.Compare(b.since))
	})
	var out []*Environment
	for _, e := range idle {
		if p.shortage() <= 0 {
			break
		}
		if p.condemn(e) {
			p.policy.Evicted(e.worth)
			out = append(out, e)
		}
	}
	return out
}
