package bench

import (
	"context"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// rate lets clients invoke the function n times in all, each one invocation after the other, and returns how many there
// were per second.
func (s *server) rate(ctx context.Context, clients, n int) (float64, error) {
	g, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	begin := time.Now()
	for range clients {
		g.Go(func() error {
			for left.Add(-1) >= 0 {
				if _, _, err := s.invokeOnce(ctx); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return 0, err
	}
	return float64(n) / time.Since(begin).Seconds(), nil
}
