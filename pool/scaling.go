package pool

import (
	"time"

	"golang.org/x/time/rate"

	"thaw.dev/thaw/lambda"
)

// maxWait is the longest that a caller is made to wait for cold starts before its own; beyond, it is refused at once.
const maxWait = 30 * time.Second

// functionKey names a function with all its versions: the scaling rate is the function's.
type functionKey struct{ account, name string }

// admit needs mu. It decides whether a caller that found nothing idle may cause a cold start: ErrScaling if its function
// grew too fast already, ErrOverloaded if it would wait too long, ErrTenants if its account has too many bound to tenants.
func (p *Pool) admit(k key, now time.Time) error {
	if ahead := time.Duration(p.waiting) * p.coldMean / time.Duration(cap(p.starts)); ahead > maxWait {
		return ErrOverloaded
	}
	if p.starting[k]+p.settling[k] > len(p.waiters[k]) {
		return nil // one is on its way for it
	}
	if err := p.makeRoomForTenant(k); err != nil {
		return err
	}
	f := functionKey{k.account, k.name}
	limiter := p.growth[f]
	if limiter == nil {
		limiter = rate.NewLimiter(rate.Limit(float64(p.o.ScalingRate)/lambda.ScalingWindow.Seconds()), p.o.ScalingRate)
		p.growth[f] = limiter
	}
	if !limiter.AllowN(now, 1) {
		return ErrScaling
	}
	return nil
}

// forgetGrowth needs mu. It drops the growth counters that are as good as new.
func (p *Pool) forgetGrowth(now time.Time) {
	for f, limiter := range p.growth {
		if limiter.TokensAt(now) >= float64(p.o.ScalingRate) {
			delete(p.growth, f)
		}
	}
}
