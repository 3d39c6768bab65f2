package guest

import (
	"context"
	"time"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// A guest gets the time in a message, and its clock is behind by what that took to arrive. The first message after a restore
// takes long, emulated and on a busy host some 300 ms: all code on its way is new to the machine. So the time is sent again
// until it cannot be wrong by more than clockError, or clockTries times; the guest keeps the latest of what it was told.
const (
	clockError = 5 * time.Millisecond
	clockTries = 3
)

// orderWithTime sends a request that has the time in it, and then the time until it is exact enough.
func (c *Conn) orderWithTime(ctx context.Context, what string, kind wire.Kind, body []byte) error {
	begin := time.Now()
	if err := c.order(ctx, what, kind, body); err != nil {
		return err
	}
	for range clockTries {
		if time.Since(begin) <= clockError {
			return nil
		}
		begin = time.Now()
		w := wire.Clock{UnixNanos: begin.UnixNano()}
		if err := c.order(ctx, "set clock", wire.KindClock, w.Append(nil)); err != nil {
			return err
		}
	}
	return nil
}
