package sim

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"thaw.dev/thaw/keepalive"
)

// Candidate is a policy to be simulated.
type Candidate struct {
	// Family groups candidates that differ in one number: a curve of the chart.
	Family Family
	// TTL is how long a FamilyFixed keeps an environment.
	TTL time.Duration
	// Exchange is that of a FamilyThaw, in GB·s per second of cold start.
	Exchange float64
	// BudgetGB is the memory at which FamilyLRU and FamilyGreedyDual begin to evict.
	BudgetGB float64
}

// Family is a kind of policy.
type Family string

// Families.
const (
	FamilyFixed      Family = "fixed"  // every environment is kept equally long
	FamilyLRU        Family = "lru"    // all are kept until a budget is spent, then the least recently used goes
	FamilyGreedyDual Family = "greedy" // the same, but the least priority goes: GreedyDual-Size-Frequency
	FamilyThaw       Family = "thaw"   // package keepalive
)

// families in the order of reports.
var families = []Family{FamilyFixed, FamilyLRU, FamilyGreedyDual, FamilyThaw}

// Name is what tables call the candidate.
func (c Candidate) Name() string {
	switch c.Family {
	case FamilyFixed:
		return "fixed " + shortDuration(c.TTL)
	case FamilyThaw:
		return fmt.Sprintf("thaw %g GB·s/s", c.Exchange)
	}
	return fmt.Sprintf("%s %.3g GB", c.Family, c.BudgetGB)
}

func shortDuration(d time.Duration) string {
	if d%time.Minute == 0 {
		return strconv.Itoa(int(d/time.Minute)) + " min"
	}
	return d.String()
}

// forever is the deadline of what is not let go by itself.
const forever = math.MaxInt64

// decide returns when an environment of function f that becomes idle at now is let go, when it is to be made again (0:
// never) and its priority.
func (h *host) decide(f uint32, now int64, prewarmed bool) (until, again int64, priority float64) {
	switch h.c.Family {
	case FamilyFixed:
		return now + h.c.TTL.Milliseconds(), 0, 0
	case FamilyLRU:
		return forever, 0, float64(now)
	case FamilyGreedyDual:
		h.policy.Lost(h.keys[f], clockTime(now)) // no plan is wanted
		return forever, 0, h.policy.Priority(h.keys[f])
	}
	var p keepalive.Plan
	if prewarmed {
		p = h.policy.Prewarmed(h.keys[f], clockTime(now))
	} else {
		p = h.policy.Idle(h.keys[f], clockTime(now))
	}
	if p.Prewarm > 0 {
		again = now + p.Prewarm.Milliseconds()
	}
	return now + p.Keep.Milliseconds(), again, 0
}

// maxUses is how many uses of one spell count for the frequencies of GreedyDual: each costs as much time as an event.
const maxUses = 10

// arrived tells the policy of an event's uses.
func (h *host) arrived(f, uses uint32) {
	now := clockTime(h.now)
	switch h.c.Family {
	case FamilyThaw:
		h.policy.Arrived(h.keys[f], now)
	case FamilyGreedyDual:
		for range min(uses, maxUses) - 1 {
			h.policy.Arrived(h.keys[f], now)
			h.policy.Lost(h.keys[f], now)
		}
		h.policy.Arrived(h.keys[f], now)
	}
}

// clockTime is a moment of the trace, in milliseconds, as the policy wants it.
func clockTime(ms int64) time.Time { return time.UnixMilli(ms) }
