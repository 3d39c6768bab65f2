package telemetry

import (
	"encoding/json"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Log is where a Journal's lines go; *logs.Stream is one.
type Log interface {
	Printf(format string, args ...any)
}

// Forwarder brings encoded events to subscribers. Forward must not block and must not call the Journal.
type Forwarder interface {
	// Forward hands over one event, a line of JSON, for the subscribers with these ids. The Journal does not keep it.
	Forward(to []int, event []byte)
}

// Format is how a function's log looks.
type Format struct {
	JSON  bool  // else text
	Level Level // with JSON: the least level of system events that are logged
}

// FormatOf returns the format for a function's LogFormat and SystemLogLevel.
func FormatOf(logFormat, systemLevel string) Format {
	return Format{JSON: logFormat == "JSON", Level: ParseLevel(systemLevel)}
}

// line is how the log shows the record, "" if it does not.
func (f Format) line(at time.Time, r Record) string {
	switch {
	case !f.JSON:
		return r.Text()
	case r.Level() == Never || r.Level() < f.Level:
		return ""
	}
	return string(Encode(at, r))
}

// Journal takes what the platform says about one environment to its log and to the extensions that subscribed. Its
// methods may be called concurrently.
type Journal struct {
	log    Log
	format Format
	to     Forwarder
	taken  atomic.Bool // somebody wants more than the log, or will

	mu          sync.Mutex
	open        bool // what is said is kept: init goes on
	kept        []entry
	keptBytes   int
	lost        LogsDropped // of what should have been kept
	subscribers []Subscriber
	changes     int // of subscribers
}

// entry is a platform event or a printed line, before it is known who wants it.
type entry struct {
	at     time.Time
	class  string
	record Record // nil for a line
	line   string
}

// Classes of what a subscriber can ask for.
const (
	ClassPlatform  = "platform"
	ClassFunction  = "function"
	ClassExtension = "extension"
)

// Subscriber is an extension that asked for telemetry.
type Subscriber struct {
	ID    int      // 0 to MaxSubscribers-1; another one with an id that is known takes its place
	Name  string   // the extension's
	Logs  bool     // by the Logs API, which has other events
	Types []string // classes
	// RuntimeDone says that a subscriber by the Logs API knows platform.runtimeDone.
	RuntimeDone bool
}

// Bounds on what a sandbox can make a Journal hold.
const (
	MaxSubscribers = 10  // as many as there may be extensions. Source: AWS Lambda quotas
	maxChanges     = 100 // of subscriptions, after which no other is taken
	maxKept        = 512
	maxKeptBytes   = 256 << 10
)

// NewJournal returns the Journal of an environment whose init is about to begin. to may be nil if nobody can subscribe.
func NewJournal(log Log, format Format, to Forwarder) *Journal {
	j := &Journal{log: log, format: format, to: to, open: to != nil}
	j.taken.Store(j.open)
	return j
}

// Say reports an event that happens now.
func (j *Journal) Say(r Record) { j.SayAt(time.Now(), r) }

// SayAt reports an event that happened at a time.
func (j *Journal) SayAt(at time.Time, r Record) {
	if line := j.format.line(at, r); line != "" {
		j.log.Printf("%s", line)
	}
	if j.taken.Load() && r.Type() != "" {
		j.take(entry{at: at, class: ClassPlatform, record: r})
	}
}

// Line tells of a line that the function printed, or with ClassExtension an extension; the log has it already.
func (j *Journal) Line(class string, at time.Time, line string) {
	if j.taken.Load() {
		j.take(entry{at: at, class: class, line: line})
	}
}

// Subscribe adds a subscriber, which is told of what was said so far. It reports false if it cannot be one: init is over,
// there are too many, or it makes no sense.
func (j *Journal) Subscribe(s Subscriber) bool {
	if !j.admit(s) {
		return false
	}
	j.Say(Subscription{Name: s.Name, State: "Subscribed", Types: s.Types, Logs: s.Logs})
	return true
}

// Adopt adds a subscriber of the environment that this one is a copy of. It is not an event: that was in the other's init.
// Else it is Subscribe.
func (j *Journal) Adopt(s Subscriber) bool { return j.admit(s) }

func (j *Journal) admit(s Subscriber) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	if !j.open || s.ID < 0 || s.ID >= MaxSubscribers || j.changes >= maxChanges {
		return false
	}
	j.changes++
	j.subscribers = slices.DeleteFunc(j.subscribers, func(o Subscriber) bool { return o.ID == s.ID })
	for _, e := range j.kept {
		if event := s.event(e, j.format.JSON); event != nil {
			j.to.Forward([]int{s.ID}, event)
		}
	}
	if j.lost.Records > 0 {
		lost := entry{at: time.Now(), class: ClassPlatform, record: j.lost}
		if event := s.event(lost, j.format.JSON); event != nil {
			j.to.Forward([]int{s.ID}, event)
		}
	}
	j.subscribers = append(j.subscribers, s)
	return true
}

// Settle ends init: nobody can subscribe any more, and nothing is kept.
func (j *Journal) Settle() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.open, j.kept, j.keptBytes = false, nil, 0
	j.taken.Store(len(j.subscribers) > 0)
}

// Restart begins another init, after the runtime and every extension ended: nobody is subscribed any more.
func (j *Journal) Restart() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.subscribers, j.kept, j.keptBytes, j.lost = nil, nil, 0, LogsDropped{}
	j.open = j.to != nil
	j.taken.Store(j.open)
}

// Subscribed reports whether anybody is.
func (j *Journal) Subscribed() bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return len(j.subscribers) > 0
}

func (j *Journal) take(e entry) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.open {
		j.keep(e)
	}
	var ids [2][]int // by the form of the event: the Telemetry API's, the Logs API's
	var events [2][]byte
	for _, s := range j.subscribers {
		form := 0
		if s.Logs {
			form = 1
		}
		event := s.event(e, j.format.JSON)
		if event == nil {
			continue
		}
		events[form], ids[form] = event, append(ids[form], s.ID)
	}
	for form := range events {
		if len(ids[form]) > 0 {
			j.to.Forward(ids[form], events[form])
		}
	}
}

// keep needs mu.
func (j *Journal) keep(e entry) {
	if len(j.kept) >= maxKept || j.keptBytes+len(e.line) > maxKeptBytes {
		j.lost.Records++
		j.lost.Bytes += len(e.line)
		j.lost.Reason = "There were more than could be kept until an extension subscribed"
		return
	}
	j.kept, j.keptBytes = append(j.kept, e), j.keptBytes+len(e.line)
}

// event encodes e for the subscriber; nil if it does not want it.
func (s *Subscriber) event(e entry, jsonLog bool) []byte {
	if !slices.Contains(s.Types, e.class) {
		return nil
	}
	switch {
	case e.record == nil && jsonLog && !s.Logs && isObject(e.line):
		return encode(e.at, e.class, json.RawMessage(e.line))
	case e.record == nil:
		return encode(e.at, e.class, e.line)
	case !s.Logs && e.record.Type() == (End{}).Type():
		return nil
	case !s.Logs:
		return Encode(e.at, e.record)
	}
	return s.logsEvent(e.at, e.record)
}

// isObject reports whether a line is a JSON object.
func isObject(line string) bool {
	return len(line) > 1 && line[0] == '{' && json.Valid([]byte(line))
}
