// Package logs holds the log of one execution environment: it turns what a runtime writes into timed lines, mixes them
// with the platform's own (START, END, REPORT), and keeps the end of the current invocation's log.
//
// It stores nothing: complete lines go to the sink a Stream was made with. Standard library only.
package logs

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"sync"
	"time"
)

// MaxLineBytes is the longest line kept whole; a longer one is split. Source: CloudWatch Logs quotas, event size.
const MaxLineBytes = 256 << 10

// Event is one line of a log.
type Event struct {
	Time    time.Time
	Message string // without the newline
}

// Stream is the log of one environment. Its methods may be called concurrently.
type Stream struct {
	group, name string
	sink        func([]Event)
	tailBytes   int
	tap         func(Event)
	keep        func(line []byte) bool

	mu      sync.Mutex
	partial []byte  // the runtime's line that has no newline yet
	pending []Event // not yet given to sink
	tail    []byte  // the end of the current invocation's log, at most 2*tailBytes
}

// NewStream returns the log named name in the log group. sink gets the lines in order, must not block for long and may
// be called from any goroutine, never concurrently. Tail returns up to tailBytes.
func NewStream(group, name string, tailBytes int, sink func([]Event)) *Stream {
	return &Stream{group: group, name: name, sink: sink, tailBytes: tailBytes}
}

// Tap has every line that the runtime writes given to tap as well, those that Keep leaves out among them. It must be
// called before anything is written. tap must not block and must not call the Stream.
func (s *Stream) Tap(tap func(Event)) { s.tap = tap }

// Keep leaves out of the log the lines of the runtime for which keep is false. It must be called before anything is
// written.
func (s *Stream) Keep(keep func(line []byte) bool) { s.keep = keep }

// StreamName makes the name of a new environment's log stream: YYYY/MM/DD/[version]<32 hex digits>. In a log group that is
// not the function's own, function stands before the version; else it is "".
func StreamName(function, version string, now time.Time) string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return now.UTC().Format("2006/01/02/") + function + "[" + version + "]" + hex.EncodeToString(id[:])
}

// Group is the name of the log group.
func (s *Stream) Group() string { return s.group }

// Name is the name of the log stream.
func (s *Stream) Name() string { return s.name }

// Write takes raw output of the runtime. Complete lines reach the sink before it returns.
func (s *Stream) Write(p []byte) (int, error) {
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.keep == nil {
		s.addTail(p)
	}
	for rest := p; len(rest) > 0; {
		line, after, whole := bytes.Cut(rest, []byte{'\n'})
		if room := MaxLineBytes - len(s.partial); len(line) > room {
			line, after, whole = rest[:room], rest[room:], true
		}
		rest = after
		if !whole {
			s.partial = append(s.partial, line...)
			break
		}
		s.addLine(now, append(s.partial, line...))
		s.partial = s.partial[:0]
	}
	s.flush()
	return len(p), nil
}

// Printf adds a line of the platform, after whatever the runtime left without a newline.
func (s *Stream) Printf(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPartial(now)
	s.addTail([]byte(line))
	s.addTail([]byte{'\n'})
	s.pending = append(s.pending, Event{now, line})
}

// Line adds a whole line that is neither the runtime's nor the platform's: an extension's. It reaches the sink before Line
// returns.
func (s *Stream) Line(line string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addTail([]byte(line))
	s.addTail([]byte{'\n'})
	s.pending = append(s.pending, Event{time.Now(), line})
	s.flush()
}

// Begin starts the log of a new invocation: Tail forgets what was before.
func (s *Stream) Begin() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tail = s.tail[:0]
}

// Tail returns a copy of the last bytes of the current invocation's log.
func (s *Stream) Tail() []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return bytes.Clone(s.tail[max(0, len(s.tail)-s.tailBytes):])
}

// Flush gives everything to the sink, also a line without a newline.
func (s *Stream) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.endPartial(time.Now())
	s.flush()
}

// endPartial needs mu.
func (s *Stream) endPartial(now time.Time) {
	if len(s.partial) > 0 {
		s.addLine(now, s.partial)
		s.partial = s.partial[:0]
		if s.keep == nil { // the line itself is in the tail
			s.addTail([]byte{'\n'})
		}
	}
}

// addLine needs mu. It adds a whole line of the runtime.
func (s *Stream) addLine(now time.Time, line []byte) {
	e := Event{now, string(line)}
	if s.tap != nil {
		s.tap(e)
	}
	if s.keep != nil {
		if !s.keep(line) {
			return
		}
		s.addTail(line)
		s.addTail([]byte{'\n'})
	}
	s.pending = append(s.pending, e)
}

// flush needs mu.
func (s *Stream) flush() {
	if len(s.pending) > 0 {
		s.sink(s.pending)
		s.pending = nil
	}
}

// addTail needs mu.
func (s *Stream) addTail(p []byte) {
	if len(p) >= s.tailBytes {
		s.tail = append(s.tail[:0], p[len(p)-s.tailBytes:]...)
		return
	}
	if len(s.tail)+len(p) > 2*s.tailBytes {
		s.tail = append(s.tail[:0], s.tail[len(s.tail)-s.tailBytes:]...)
	}
	s.tail = append(s.tail, p...)
}
