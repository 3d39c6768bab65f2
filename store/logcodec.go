package store

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// batchSchema is the version of log batches that this release writes; see functionSchema.
const batchSchema = 1

// batchEvent is one event of a batch.
type batchEvent struct {
	Stream  string
	Millis  int64 // since 1970
	Message string

	lost int // how many events this one stands for, if it tells of lost ones; not stored
}

// batchRecord is a batch as it is stored, one message of the stream. Names are short because they repeat.
type batchRecord struct {
	Schema  int           `json:"schema"`
	Streams []string      `json:"streams"` // each once
	Events  []recordEvent `json:"events"`
}

type recordEvent struct {
	Stream  int    `json:"s,omitempty"` // index into batchRecord.Streams
	Millis  int64  `json:"t"`
	Message string `json:"m"`
}

func encodeBatch(events []batchEvent) ([]byte, error) {
	r := batchRecord{Schema: batchSchema, Events: make([]recordEvent, len(events))}
	index := map[string]int{}
	for i, e := range events {
		at, known := index[e.Stream]
		if !known {
			at = len(r.Streams)
			index[e.Stream] = at
			r.Streams = append(r.Streams, e.Stream)
		}
		r.Events[i] = recordEvent{at, e.Millis, e.Message}
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(r); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// decodeBatch reads a batch of any known version; ErrNewer on a later one.
func decodeBatch(data []byte) ([]batchEvent, error) {
	var r batchRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return nil, fmt.Errorf("log batch: %w", err)
	}
	if r.Schema > batchSchema {
		return nil, fmt.Errorf("log batch has schema version %d, this release reads up to %d: %w", r.Schema, batchSchema, ErrNewer)
	}
	events := make([]batchEvent, len(r.Events))
	for i, e := range r.Events {
		if e.Stream < 0 || e.Stream >= len(r.Streams) {
			return nil, fmt.Errorf("log batch: event %d is of stream %d of %d", i, e.Stream, len(r.Streams))
		}
		events[i] = batchEvent{Stream: r.Streams[e.Stream], Millis: e.Millis, Message: e.Message}
	}
	return events, nil
}
