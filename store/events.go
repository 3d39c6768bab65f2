package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// ErrNoEvent is returned by Events.Read for an event that was finished. Match with errors.Is.
var ErrNoEvent = errors.New("event is not in the queue")

const (
	eventStream  = "EVENTS"
	eventSubject = "events.queued" // messages of events
	markSubject  = "events.marks"  // messages of what became of them
)

// MaxEventBytes bounds one event with its metadata, in bytes: it must fit a message of the stream.
const MaxEventBytes = maxPayloadBytes - 64<<10

// Event is something that was accepted to be done later: an invocation, or the delivery of what became of one.
type Event struct {
	EventHead
	// ARN is the function's, in the form the caller used.
	ARN string `json:"arn,omitempty"`
	// TraceID is the X-Ray trace header of the invocation; "" if none.
	TraceID string `json:"trace,omitempty"`
	// Tenant is on whose behalf a function with tenant isolation is invoked; "" for others.
	Tenant string `json:"tenant,omitempty"`
	// Delivery says where Payload is to go; nil for an invocation, whose event Payload is.
	Delivery *Delivery `json:"delivery,omitempty"`
	Payload  []byte    `json:"-"`
}

// EventHead is what the queue keeps in memory of an event.
type EventHead struct {
	Key EventKey `json:"-"` // where it is stored; the zero value before that
	// ID is the request id of the invocation.
	ID        string `json:"id"`
	Account   string `json:"account"`
	Function  string `json:"function"` // name
	Qualifier string `json:"qualifier,omitempty"`
	// Accepted is when the invocation was accepted, to the millisecond.
	Accepted time.Time `json:"accepted"`
	// Target is the ARN that a delivery goes to; "" for an invocation.
	Target   string   `json:"target,omitempty"`
	Progress Progress `json:"progress,omitzero"`
}

// Delivery is what a message to a destination or dead letter queue has beside its body.
type Delivery struct {
	// Success says which of the function's destinations it is for.
	Success bool `json:"success,omitempty"`
	// DeadLetter says that it is for the function's dead letter queue or topic, with these attributes.
	DeadLetter   bool   `json:"dead_letter,omitempty"`
	ErrorCode    int    `json:"error_code,omitempty"`
	ErrorMessage string `json:"error_message,omitempty"`
	// FunctionARN is that of the function which the invocation was of, always qualified.
	FunctionARN string `json:"function_arn"`
}

// Progress is what became of an event so far. The zero value is that of an event that was never tried.
type Progress struct {
	// Attempts is how often the function failed, Refusals how often in a row it could not be run; of a delivery, how often
	// in a row it failed.
	Attempts int `json:"attempts,omitempty"`
	Refusals int `json:"refusals,omitempty"`
	// Next is when the next try is due; zero: at once.
	Next time.Time `json:"next,omitzero"`
	// Since is when a delivery was first due; its age counts from then. Zero for an invocation.
	Since time.Time `json:"since,omitzero"`
	// Undelivered says that no further try is made unless somebody asks for it.
	Undelivered bool `json:"undelivered,omitempty"`
	// LastError is why the last try failed, for the operator.
	LastError string `json:"last_error,omitempty"`
}

// EventKey is where an event is stored. It stays the same for the event's life.
type EventKey struct {
	Seq   uint64 // of the message
	Index int    // in the message
}

// Mark is a change of an event: its new progress, or that it is finished.
type Mark struct {
	Key      EventKey
	Finished bool
	Progress Progress
}

// Events is the durable queue of asynchronous invocations. What it acknowledged is on disk. It keeps no order and decides
// nothing: package async does. Payloads stay on disk, but for a cache of those written or read last.
//
// Many events share one message of the stream, and one sync: what comes while a message is written goes into the next.
// Changes are messages of their own. A message of events is removed when the last of them is finished, one of changes when
// all that it changes was removed.
type Events struct {
	js     jetstream.JetStream
	stream jetstream.Stream
	log    *slog.Logger
	adds   *groupWriter
	marks  *groupWriter

	stop    chan struct{} // closed by close when the writers have ended
	removed chan uint64   // messages to be removed from the stream
	writers sync.WaitGroup
	remover sync.WaitGroup

	mu        sync.Mutex
	index     eventIndex  // guarded by mu
	cache     eventCache  // guarded by mu
	recovered []EventHead // guarded by mu
}

// openEvents reads what the stream holds and starts the writers; close ends them.
func openEvents(ctx context.Context, js jetstream.JetStream, log *slog.Logger) (*Events, error) {
	stream, err := js.CreateOrUpdateStream(ctx, jetstream.StreamConfig{
		Name:        eventStream,
		Description: "Asynchronous invocations",
		Subjects:    []string{eventSubject, markSubject},
		Storage:     jetstream.FileStorage,
		Retention:   jetstream.LimitsPolicy,
		AllowDirect: true,
	})
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", eventStream, err)
	}
	e := &Events{js: js, stream: stream, log: log, stop: make(chan struct{}), removed: make(chan uint64, removeBacklog), index: newEventIndex(), cache: newEventCache()}
	useless, err := e.load(ctx)
	if err != nil {
		return nil, fmt.Errorf("stream %s: %w", eventStream, err)
	}
	e.adds = newGroupWriter(e.publishEvents)
	e.marks = newGroupWriter(e.publishMarks)
	e.writers.Go(e.adds.run)
	e.writers.Go(e.marks.run)
	e.remover.Go(func() { e.remove(useless) })
	return e, nil
}

// close writes what is waiting and ends the goroutines. Calls that come later fail.
func (e *Events) close() {
	e.adds.close()
	e.marks.close()
	e.writers.Wait()
	close(e.stop)
	e.remover.Wait()
}

// Recovered returns the unfinished events that Open found, in the order of their acceptance, once.
func (e *Events) Recovered() []EventHead {
	e.mu.Lock()
	defer e.mu.Unlock()
	heads := e.recovered
	e.recovered = nil
	return heads
}

// Add stores an event and returns its key when it is on disk. After an error it may or may not be there after a restart.
// ErrTooLarge if it has more than MaxEventBytes.
func (e *Events) Add(ctx context.Context, event *Event) (EventKey, error) {
	record, err := encodeEvent(event)
	if err != nil {
		return EventKey{}, fmt.Errorf("add event %s: %w", event.ID, err)
	}
	key, err := e.adds.write(ctx, record)
	if err != nil {
		return EventKey{}, fmt.Errorf("add event %s: %w", event.ID, err)
	}
	return key, nil
}

// Mark stores a change of an event and returns when it is on disk. An event that is finished must not be changed again.
func (e *Events) Mark(ctx context.Context, m Mark) error {
	record, err := encodeMark(m)
	if err != nil {
		return fmt.Errorf("mark event: %w", err)
	}
	if _, err := e.marks.write(ctx, record); err != nil {
		return fmt.Errorf("mark event: %w", err)
	}
	return nil
}

// Read returns an event with its payload, as it was added: without its progress. ErrNoEvent if it is finished.
func (e *Events) Read(ctx context.Context, key EventKey) (*Event, error) {
	e.mu.Lock()
	data, ok := e.cache.get(key.Seq)
	e.mu.Unlock()
	if !ok {
		msg, err := e.stream.GetMsg(ctx, key.Seq)
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			return nil, fmt.Errorf("read event: %w", ErrNoEvent)
		}
		if err != nil {
			return nil, fmt.Errorf("read event: %w", err)
		}
		data = msg.Data
		e.mu.Lock()
		e.cache.put(key.Seq, data)
		e.mu.Unlock()
	}
	event, err := eventAt(data, key.Index)
	if err != nil {
		return nil, fmt.Errorf("read event %d of message %d: %w", key.Index, key.Seq, err)
	}
	event.Key = key
	return event, nil
}

// publishTimeout bounds the writing of one message.
const publishTimeout = 30 * time.Second

// publishEvents stores records as one message and gives each its key.
func (e *Events) publishEvents(records [][]byte) ([]EventKey, error) {
	data := join(records)
	seq, err := e.publish(eventSubject, data)
	if err != nil {
		return nil, err
	}
	keys := make([]EventKey, len(records))
	for i := range keys {
		keys[i] = EventKey{seq, i}
	}
	e.mu.Lock()
	e.index.added(seq, len(records))
	e.cache.put(seq, data)
	e.mu.Unlock()
	return keys, nil
}

// publishMarks stores records as one message.
func (e *Events) publishMarks(records [][]byte) ([]EventKey, error) {
	data := join(records)
	seq, err := e.publish(markSubject, data)
	if err != nil {
		return nil, err
	}
	marks, err := decodeMarks(data)
	if err != nil {
		return nil, err
	}
	e.mu.Lock()
	useless := e.index.marked(seq, marks)
	for _, s := range useless {
		e.cache.drop(s)
	}
	e.mu.Unlock()
	for _, s := range useless {
		e.removed <- s // the remover takes them until both writers have ended
	}
	return make([]EventKey, len(records)), nil
}

func (e *Events) publish(subject string, data []byte) (uint64, error) {
	ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
	defer cancel()
	ack, err := e.js.Publish(ctx, subject, data, jetstream.WithRetryAttempts(0))
	if err != nil {
		e.log.Error("event queue not written", "err", err)
		return 0, err
	}
	return ack.Sequence, nil
}

// removeBacklog is how many messages may wait for their removal before writers of changes wait for it.
const removeBacklog = 4096

// remove removes messages from the stream until close. What it does not get to do the next Open does.
func (e *Events) remove(useless []uint64) {
	for {
		var seq uint64
		if len(useless) > 0 {
			seq, useless = useless[0], useless[1:]
			select {
			case <-e.stop:
				return
			default:
			}
		} else {
			select {
			case seq = <-e.removed:
			case <-e.stop:
				return
			}
		}
		ctx, cancel := context.WithTimeout(context.Background(), publishTimeout)
		if err := e.stream.DeleteMsg(ctx, seq); err != nil && !errors.Is(err, jetstream.ErrMsgNotFound) {
			e.log.Warn("message of finished events not removed", "seq", seq, "err", err)
		}
		cancel()
	}
}

// load reads the whole stream. It returns the messages that nobody needs.
func (e *Events) load(ctx context.Context) (useless []uint64, err error) {
	info, err := e.stream.Info(ctx)
	if err != nil {
		return nil, err
	}
	heads := map[EventKey]*EventHead{}
	var order []EventKey
	for seq := info.State.FirstSeq; info.State.Msgs > 0 && seq <= info.State.LastSeq; seq++ {
		msg, err := e.stream.GetMsg(ctx, seq, jetstream.WithGetMsgSubject("events.*"))
		if errors.Is(err, jetstream.ErrMsgNotFound) {
			break
		}
		if err != nil {
			return nil, err
		}
		seq = msg.Sequence
		if msg.Subject == eventSubject {
			list, err := decodeHeads(msg.Data)
			if err != nil {
				return nil, fmt.Errorf("message %d: %w", seq, err)
			}
			e.index.added(seq, len(list))
			for i := range list {
				list[i].Key = EventKey{seq, i}
				heads[list[i].Key] = &list[i]
				order = append(order, list[i].Key)
			}
			continue
		}
		marks, err := decodeMarks(msg.Data)
		if err != nil {
			return nil, fmt.Errorf("message %d: %w", seq, err)
		}
		for _, m := range marks {
			if m.Finished {
				delete(heads, m.Key)
			} else if h := heads[m.Key]; h != nil {
				h.Progress = m.Progress
			}
		}
		useless = append(useless, e.index.marked(seq, marks)...)
	}
	names := map[string]string{}
	for _, key := range order {
		if h := heads[key]; h != nil {
			for _, s := range []*string{&h.Account, &h.Function, &h.Qualifier, &h.Target} {
				*s = intern(names, *s)
			}
			e.recovered = append(e.recovered, *h)
		}
	}
	return useless, nil
}

// intern returns the same string for equal ones.
func intern(known map[string]string, s string) string {
	if k, ok := known[s]; ok {
		return k
	}
	known[s] = s
	return s
}
