package bench

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

// TestTrafficCountsWhatWasDue: a request that takes long does not keep the next ones from being sent.
func TestTrafficCountsWhatWasDue(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const slow = 300 * time.Millisecond
		begin := time.Now()
		traffic := startTraffic(t.Context(), func(context.Context) error {
			if since := time.Since(begin); since > time.Second && since < 2*time.Second {
				time.Sleep(slow)
			}
			return nil
		})
		time.Sleep(3*time.Second + time.Millisecond)
		if err := traffic.end(); err != nil {
			t.Fatal(err)
		}
		second := func(i int) span {
			return span{begin.Add(time.Duration(i)*time.Second + time.Millisecond), begin.Add(time.Duration(i+1)*time.Second - time.Millisecond)}
		}
		calm, busy := traffic.within([]span{second(0), second(2)}).latency(), traffic.within([]span{second(1)}).latency()
		if calm.N != 2*(trafficRate-1) || calm.Max != 0 {
			t.Errorf("calm: %+v", calm)
		}
		if busy.N != trafficRate-1 || busy.P50 != millis(slow) {
			t.Errorf("busy: %+v", busy)
		}
	})
}

func TestTrafficTellsTheFirstError(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		refused, n := errors.New("refused"), 0
		traffic := startTraffic(t.Context(), func(context.Context) error {
			if n++; n == 2 {
				return refused
			}
			return nil
		})
		time.Sleep(time.Second)
		if err := traffic.end(); !errors.Is(err, refused) {
			t.Errorf("got %v", err)
		}
	})
}
