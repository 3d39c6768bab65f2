package store

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
)

const (
	// readBatch and readBytes bound one request to the server.
	readBatch = 256
	readBytes = 4 << 20
	// readTimeout bounds the wait for its answer.
	readTimeout = 10 * time.Second
)

// readRequest asks for messages of one subject.
type readRequest struct {
	subject string
	seq     uint64    // from this sequence number on; 0: from since
	since   time.Time // stored at or after; zero: from the first
	most    int       // messages; 0: readBatch
}

// storedBatch is a message of the log stream.
type storedBatch struct {
	seq    uint64
	stored time.Time
	data   []byte
}

// read returns the next messages in the order of their sequence numbers, none if there are no more. It uses the
// server's batched direct get, which needs no consumer. Source: NATS ADR-31.
func (l *Logs) read(ctx context.Context, r readRequest) ([]storedBatch, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	request := struct {
		Seq      uint64     `json:"seq,omitempty"`
		Since    *time.Time `json:"start_time,omitempty"`
		Subject  string     `json:"next_by_subj"`
		Batch    int        `json:"batch"`
		MaxBytes int        `json:"max_bytes"`
	}{Seq: r.seq, Subject: r.subject, Batch: cmp.Or(r.most, readBatch), MaxBytes: readBytes}
	if r.seq == 0 && !r.since.IsZero() {
		request.Since = &r.since
	}
	data, err := json.Marshal(request)
	if err != nil {
		return nil, err
	}
	inbox := l.conn.NewInbox()
	sub, err := l.conn.SubscribeSync(inbox)
	if err != nil {
		return nil, err
	}
	defer func() { _ = sub.Unsubscribe() }() // fails only on a closed connection
	if err := l.conn.PublishRequest("$JS.API.DIRECT.GET."+logStream, inbox, data); err != nil {
		return nil, err
	}
	var batches []storedBatch
	for {
		msg, err := sub.NextMsgWithContext(ctx)
		if err != nil {
			return nil, fmt.Errorf("read stream %s: %w", logStream, err)
		}
		switch status := msg.Header.Get("Status"); status {
		case "":
			b, err := parseStored(msg)
			if err != nil {
				return nil, err
			}
			batches = append(batches, b)
		case "204", "404": // end of the batch; nothing there
			return batches, nil
		default:
			return nil, fmt.Errorf("read stream %s: %s %s", logStream, status, msg.Header.Get("Description"))
		}
	}
}

func parseStored(msg *nats.Msg) (storedBatch, error) {
	seq, err := strconv.ParseUint(msg.Header.Get("Nats-Sequence"), 10, 64)
	if err != nil {
		return storedBatch{}, fmt.Errorf("read stream %s: sequence number: %w", logStream, err)
	}
	stored, err := time.Parse(time.RFC3339Nano, msg.Header.Get("Nats-Time-Stamp"))
	if err != nil {
		return storedBatch{}, fmt.Errorf("read stream %s: time stamp: %w", logStream, err)
	}
	return storedBatch{seq, stored, msg.Data}, nil
}
