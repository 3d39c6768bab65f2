package store

import "context"

// Messages is how many messages the stream of events holds.
func (e *Events) Messages(ctx context.Context) uint64 {
	info, err := e.stream.Info(ctx)
	if err != nil {
		panic(err)
	}
	return info.State.Msgs
}
