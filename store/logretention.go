package store

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// expireEvery is how often events are discarded that their groups' retention does not keep. Readers do not see them as
// soon as they are too old.
const expireEvery = time.Hour

// expireRegularly runs until close.
func (l *Logs) expireRegularly() {
	defer close(l.expired)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ticker := time.NewTicker(expireEvery)
	defer ticker.Stop()
	for {
		select {
		case <-l.stop:
			return
		case <-ticker.C:
			if err := l.Expire(ctx); err != nil {
				l.log.Warn("old function logs not discarded", "err", err)
			}
		}
	}
}

// Expire frees the space of events that are older than their groups' retention. It happens every hour by itself.
func (l *Logs) Expire(ctx context.Context) error {
	var errs []error
	for _, item := range l.groups.All() {
		if kept := item.Value.kept(); !kept.IsZero() {
			errs = append(errs, l.expire(ctx, logGroup{item.Account, item.ID}, kept))
		}
	}
	return errors.Join(errs...)
}

// expire discards messages that were stored before kept: their events are older still.
func (l *Logs) expire(ctx context.Context, g logGroup, kept time.Time) error {
	batches, err := l.read(ctx, readRequest{subject: g.subject(), since: kept, most: 1})
	if err != nil {
		return err
	}
	options := []jetstream.StreamPurgeOpt{jetstream.WithPurgeSubject(g.subject())}
	if len(batches) > 0 {
		options = append(options, jetstream.WithPurgeSequence(batches[0].seq))
	}
	return l.stream.Purge(ctx, options...)
}
