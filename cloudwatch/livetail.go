package cloudwatch

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/eventstream"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/logpattern"
	"thaw.dev/thaw/store"
)

const (
	// maxTails is how many live tails there are at once. Source: CloudWatch Logs quotas, "Live Tail", 15 per account; here
	// for all accounts together.
	maxTails = 64
	// tailTime is how long one lasts. Source: CloudWatch Logs API, StartLiveTail ("up to three hours").
	tailTime = 3 * time.Hour
	// tailUpdate is how long nothing is sent at most; the service sends an update each second.
	tailUpdate = time.Second
	// maxTailEvents is how many events one update has at most; the rest of a second is left out, and the update says that
	// it is a sample. Source: CloudWatch Logs API, StartLiveTail.
	maxTailEvents = 500
	// maxTailGroups is how many groups a live tail may have.
	maxTailGroups = 10
)

type startLiveTailRequest struct {
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
	LogStreamNames        []string `json:"logStreamNames"`
	LogStreamNamePrefixes []string `json:"logStreamNamePrefixes"`
	LogEventFilterPattern string   `json:"logEventFilterPattern"`
}

type sessionStart struct {
	RequestID             string   `json:"requestId"`
	SessionID             string   `json:"sessionId"`
	LogGroupIdentifiers   []string `json:"logGroupIdentifiers"`
	LogStreamNames        []string `json:"logStreamNames,omitempty"`
	LogStreamNamePrefixes []string `json:"logStreamNamePrefixes,omitempty"`
	LogEventFilterPattern string   `json:"logEventFilterPattern"`
}

type sessionUpdate struct {
	SessionMetadata struct {
		Sampled bool `json:"sampled"`
	} `json:"sessionMetadata"`
	SessionResults []tailEvent `json:"sessionResults"`
}

type tailEvent struct {
	LogGroupIdentifier string `json:"logGroupIdentifier"`
	LogStreamName      string `json:"logStreamName"`
	Message            string `json:"message"`
	Timestamp          int64  `json:"timestamp"`
	IngestionTime      int64  `json:"ingestionTime"`
}

// Tail is a live tail that was granted.
type Tail struct {
	call

	in      startLiveTailRequest
	pattern logpattern.Pattern
	names   map[string]string // the groups' names to their identifiers
	watch   *store.LogWatch
}

// StartLiveTail checks a request and begins a live tail. Run must be called. Errors: lambda.KindInvalid, KindNotFound,
// KindThrottled.
func (l *Logs) StartLiveTail(ctx context.Context, account string, body []byte) (*Tail, error) {
	t := &Tail{call: call{l, ctx, account}, names: map[string]string{}}
	if err := t.check(body); err != nil {
		return nil, explain(err)
	}
	select {
	case l.tails <- struct{}{}:
	default:
		return nil, lambda.Errorf(lambda.KindThrottled, "There are %d live tails, which is as many as this server allows", maxTails)
	}
	var groups []string
	for name := range t.names {
		groups = append(groups, name)
	}
	t.watch = l.store.Watch(account, groups)
	return t, nil
}

func (t *Tail) check(body []byte) (err error) {
	if err := decode(body, &t.in); err != nil {
		return err
	}
	groups := t.in.LogGroupIdentifiers
	switch {
	case len(groups) == 0 || len(groups) > maxTailGroups:
		return invalid("logGroupIdentifiers must have 1 to %d members", maxTailGroups)
	case len(t.in.LogStreamNames) > 0 && len(t.in.LogStreamNamePrefixes) > 0:
		return invalid("Only one of logStreamNames and logStreamNamePrefixes can be specified")
	case len(t.in.LogStreamNames)+len(t.in.LogStreamNamePrefixes) > maxStreamNames:
		return invalid("At most %d log streams can be named", maxStreamNames)
	case len(t.in.LogStreamNames)+len(t.in.LogStreamNamePrefixes) > 0 && len(groups) > 1:
		return invalid("Log streams can be named for one log group only")
	}
	if t.pattern, err = pattern(t.in.LogEventFilterPattern); err != nil {
		return err
	}
	for _, identifier := range groups {
		name, err := t.identified(identifier)
		if err == nil {
			_, err = t.store.Group(t.ctx, t.account, name)
		}
		if err != nil {
			return err
		}
		t.names[name] = t.account + ":" + name
	}
	return nil
}

// Run sends the messages of the event stream until the request's context ends, send fails or three hours are over.
func (t *Tail) Run(requestID string, send func(message []byte) error) error {
	defer func() {
		t.store.Unwatch(t.watch)
		<-t.tails
	}()
	start := sessionStart{
		RequestID: requestID, SessionID: uuid.NewString(), LogGroupIdentifiers: t.in.LogGroupIdentifiers,
		LogStreamNames: t.in.LogStreamNames, LogStreamNamePrefixes: t.in.LogStreamNamePrefixes, LogEventFilterPattern: t.in.LogEventFilterPattern,
	}
	// SDKs wait for an initial response before they hand out the stream.
	if err := send(message("event", "initial-response", []byte("{}"))); err != nil {
		return err
	}
	if err := sendEvent(send, "sessionStart", start); err != nil {
		return err
	}
	over := time.NewTimer(tailTime)
	defer over.Stop()
	tick := time.NewTicker(tailUpdate)
	defer tick.Stop()
	for sent := 0; ; { // events in this second
		var update sessionUpdate
		select {
		case <-t.ctx.Done():
			return nil
		case <-over.C:
			return send(message("exception", "SessionTimeoutException", []byte(`{"message":"The session is over after three hours."}`)))
		case <-tick.C:
			sent = 0
			update.SessionResults = []tailEvent{}
		case batch := <-t.watch.C:
			matching := t.matching(batch)
			if len(matching) == 0 {
				continue
			}
			fits := min(len(matching), maxTailEvents-sent)
			update.SessionResults, update.SessionMetadata.Sampled = matching[:fits], fits < len(matching)
			sent += fits
		}
		if t.watch.Dropped() > 0 {
			update.SessionMetadata.Sampled = true
		}
		if err := sendEvent(send, "sessionUpdate", update); err != nil {
			return err
		}
	}
}

// matching returns the events of a batch that the request asks for.
func (t *Tail) matching(batch store.LogBatch) []tailEvent {
	events := []tailEvent{}
	for _, e := range batch.Events {
		if t.selects(e.Stream) && t.pattern.Matches(e.Message) {
			events = append(events, tailEvent{t.names[batch.Group], e.Stream, e.Message, millis(e.Time), millis(e.Ingested)})
		}
	}
	return events
}

func (t *Tail) selects(stream string) bool {
	if len(t.in.LogStreamNames) > 0 {
		return slices.Contains(t.in.LogStreamNames, stream)
	}
	return len(t.in.LogStreamNamePrefixes) == 0 ||
		slices.ContainsFunc(t.in.LogStreamNamePrefixes, func(prefix string) bool { return strings.HasPrefix(stream, prefix) })
}

func sendEvent(send func([]byte) error, typ string, v any) error {
	payload, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return send(message("event", typ, payload))
}

// message is an "event" or an "exception" of a type.
func message(kind, typ string, payload []byte) []byte {
	name := eventstream.EventType
	if kind == "exception" {
		name = eventstream.ExceptionType
	}
	return eventstream.Append(nil, []eventstream.Header{
		{Name: eventstream.MessageType, Value: kind}, {Name: name, Value: typ}, {Name: eventstream.ContentTypeOf, Value: "application/json"},
	}, payload)
}
