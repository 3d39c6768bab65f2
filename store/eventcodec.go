package store

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
)

// ErrTooLarge is returned by Events.Add for an event of more than MaxEventBytes. Match with errors.Is.
var ErrTooLarge = errors.New("event is too large")

// A message of events or marks begins with eventSchema. The records of its kind follow: of events metadata as JSON and the
// payload, each behind its length; of marks JSON behind its length. Lengths are unsigned varints.
//
// Raise eventSchema when an earlier release would misread what this one writes.
const eventSchema = 1

var errBadMessage = errors.New("not a message of the event queue")

func encodeEvent(e *Event) ([]byte, error) {
	meta, err := json.Marshal(e)
	if err != nil {
		return nil, err
	}
	size := len(meta) + len(e.Payload) + 2*binary.MaxVarintLen32
	if size > MaxEventBytes {
		return nil, fmt.Errorf("%d bytes: %w", size, ErrTooLarge)
	}
	return appendPart(appendPart(make([]byte, 0, size), meta), e.Payload), nil
}

// join makes a message of records.
func join(records [][]byte) []byte {
	size := 1
	for _, r := range records {
		size += len(r)
	}
	data := append(make([]byte, 0, size), eventSchema)
	for _, r := range records {
		data = append(data, r...)
	}
	return data
}

func appendPart(to, part []byte) []byte {
	return append(binary.AppendUvarint(to, uint64(len(part))), part...)
}

// nextPart cuts the first part off data.
func nextPart(data []byte) (part, rest []byte, err error) {
	n, width := binary.Uvarint(data)
	if width <= 0 || n > uint64(len(data)-width) {
		return nil, nil, errBadMessage
	}
	end := width + int(n) //nolint:gosec // below len(data)
	return data[width:end:end], data[end:], nil
}

// records returns what follows the schema version.
func records(data []byte) ([]byte, error) {
	switch {
	case len(data) == 0 || data[0] == 0:
		return nil, errBadMessage
	case data[0] > eventSchema:
		return nil, fmt.Errorf("events of schema version %d, this release reads up to %d: %w", data[0], eventSchema, ErrNewer)
	}
	return data[1:], nil
}

// eachEvent calls f with the metadata and payload of each event until it returns false.
func eachEvent(data []byte, f func(i int, meta, payload []byte) (bool, error)) error {
	rest, err := records(data)
	if err != nil {
		return err
	}
	for i := 0; len(rest) > 0; i++ {
		var meta, payload []byte
		if meta, rest, err = nextPart(rest); err == nil {
			payload, rest, err = nextPart(rest)
		}
		if err != nil {
			return err
		}
		if more, err := f(i, meta, payload); err != nil || !more {
			return err
		}
	}
	return nil
}

// eventAt returns the event of that index. Its payload shares memory with data.
func eventAt(data []byte, index int) (event *Event, err error) {
	err = eachEvent(data, func(i int, meta, payload []byte) (bool, error) {
		if i < index {
			return true, nil
		}
		event = &Event{Payload: payload}
		return false, json.Unmarshal(meta, event)
	})
	if err == nil && event == nil {
		err = errBadMessage
	}
	return event, err
}

// decodeHeads returns what the queue keeps in memory of each event of a message.
func decodeHeads(data []byte) ([]EventHead, error) {
	var heads []EventHead
	err := eachEvent(data, func(_ int, meta, _ []byte) (bool, error) {
		var h EventHead
		if err := json.Unmarshal(meta, &h); err != nil {
			return false, err
		}
		heads = append(heads, h)
		return true, nil
	})
	return heads, err
}

// markRecord is a Mark as it is stored. No progress means that the event is finished.
type markRecord struct {
	Seq      uint64    `json:"seq"`
	Index    int       `json:"index"`
	Progress *Progress `json:"progress,omitempty"`
}

func encodeMark(m Mark) ([]byte, error) {
	r := markRecord{Seq: m.Key.Seq, Index: m.Key.Index}
	if !m.Finished {
		r.Progress = &m.Progress
	}
	text, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return appendPart(nil, text), nil
}

func decodeMarks(data []byte) ([]Mark, error) {
	rest, err := records(data)
	if err != nil {
		return nil, err
	}
	var marks []Mark
	for len(rest) > 0 {
		var text []byte
		if text, rest, err = nextPart(rest); err != nil {
			return nil, err
		}
		var r markRecord
		if err := json.Unmarshal(text, &r); err != nil {
			return nil, err
		}
		m := Mark{Key: EventKey{r.Seq, r.Index}, Finished: r.Progress == nil}
		if r.Progress != nil {
			m.Progress = *r.Progress
		}
		marks = append(marks, m)
	}
	return marks, nil
}
