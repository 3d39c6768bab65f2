package bench

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"
)

// perSecond is the rate of the traffic in these tests.
const perSecond = 50

// TestTrafficCountsWhatWasDue: a request that takes long does not keep the next ones from being sent.
func TestTrafficCountsWhatWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slow = 300 * time.Millisecond
		begin := time.Now()
		traffic := startTraffic(t.Context(), perSecond, func(context.Context) error {
			if since := time.Since(begin); since > time.Second && since < 2*time.Second {
				time.Sleep(slow)
			}
			return nil
		})
		time.Sleep(3*time.Second + time.Millisecond)
		if failed, err := traffic.end(); failed != 0 || err != nil {
			t.Fatal(failed, err)
		}
		second := func(i int) span {
			return span{begin.Add(time.Duration(i)*time.Second + time.Millisecond), begin.Add(time.Duration(i+1)*time.Second - time.Millisecond)}
		}
		calm, busy := traffic.within([]span{second(0), second(2)}).latency(), traffic.within([]span{second(1)}).latency()
		if calm.N != 2*(perSecond-1) || calm.Max != 0 {
			t.Errorf("calm: %+v", calm)
		}
		if busy.N != perSecond-1 || busy.P50 != millis(slow) {
			t.Errorf("busy: %+v", busy)
		}
	})
}

func TestTrafficCountsFailures(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		begin, n := time.Now(), 0
		traffic := startTraffic(t.Context(), perSecond, func(context.Context) error {
			if n++; n == 2 || n == 4 {
				return fmt.Errorf("request %d", n)
			}
			return nil
		})
		time.Sleep(time.Second + time.Millisecond)
		if failed, first := traffic.end(); failed != 2 || first == nil || first.Error() != "request 2" {
			t.Errorf("got %d, %v", failed, first)
		}
		if got := len(traffic.within([]span{{begin, time.Now()}})); got != perSecond-2 {
			t.Errorf("%d were answered, want %d", got, perSecond-2)
		}
	})
}
