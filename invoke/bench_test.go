package invoke_test

import (
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// oneCounter is the least that admission can cost: a locked map of counts.
type oneCounter struct {
	mu    sync.Mutex
	count map[string]int
}

func (c *oneCounter) enter(account string) (leave func(), ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.count[account] >= lambda.AccountConcurrency {
		return nil, false
	}
	c.count[account]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.count[account]--; c.count[account] == 0 {
			delete(c.count, account)
		}
	}, true
}

// fixed is one share for all.
type fixed lambda.Share

func (f fixed) Share(string, string, string) lambda.Share { return lambda.Share(f) }

func BenchmarkAdmission(b *testing.B) {
	fn := &lambda.Config{Account: "000000000000", Name: "hello", Version: "12"}
	for _, c := range []struct {
		name  string
		share fixed
		busy  int // invocations that are under way meanwhile
	}{
		{"rule=unreserved/busy=0", fixed{Reserved: lambda.NoReservation, Unreserved: 1000}, 0},
		{"rule=unreserved/busy=100", fixed{Reserved: lambda.NoReservation, Unreserved: 1000}, 100},
		{"rule=reserved/busy=100", fixed{Reserved: 200}, 100},
		{"rule=provisioned/busy=100", fixed{Reserved: lambda.NoReservation, Provisioned: 200}, 100},
	} {
		b.Run(c.name, func(b *testing.B) {
			a := invoke.NewAdmission(c.share)
			for range c.busy {
				if _, err := a.Enter(b.Context(), fn); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			for i := time.Duration(0); b.Loop(); i++ { // as often as the rates allow
				p, err := a.EnterAt(b.Context(), fn, i*10*time.Millisecond)
				if err != nil {
					b.Fatal(err)
				}
				a.Leave(&p)
			}
		})
	}
	b.Run("rule=one-counter", func(b *testing.B) {
		c := oneCounter{count: map[string]int{}}
		b.ReportAllocs()
		for b.Loop() {
			leave, ok := c.enter(fn.Account)
			if !ok {
				b.Fatal("refused")
			}
			leave()
		}
	})
}
