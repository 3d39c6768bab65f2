package telemetryapi

import (
	"encoding/json"
	"io"
	"slices"
	"sync"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// Paths of the two calls.
const (
	TelemetryPath = "/2022-07-01/telemetry"
	LogsPath      = "/2020-08-15/logs"
)

// maxBody bounds the body of a call, in bytes.
const maxBody = 16 << 10

// Host decides about subscriptions.
type Host interface {
	// Subscribe reports whether the subscription is taken. An error means that the host is gone.
	Subscribe(link.Subscription) (bool, error)
}

// Server takes subscriptions and delivers. Its methods may be called concurrently.
type Server struct {
	host Host
	wg   sync.WaitGroup // the subscribers' goroutines

	mu     sync.Mutex
	all    []*subscriber // index is the subscriber's id; never shrinks
	closed bool
}

// New returns a server without subscribers.
func New(host Host) *Server { return &Server{host: host} }

// Serve answers a call of TelemetryPath or LogsPath by the extension called name.
func (s *Server) Serve(req *http1.Request, name string) http1.Answer {
	logs := req.Path == LogsPath
	api := "Telemetry"
	if logs {
		api = "Logs"
	}
	if req.Method != "PUT" {
		return refuse(405, "MethodNotAllowed", "subscribe with PUT")
	}
	body, err := io.ReadAll(io.LimitReader(&req.Body, maxBody+1))
	switch {
	case err != nil:
		return refuse(400, "InvalidRequestFormat", "the body is incomplete")
	case len(body) > maxBody:
		return refuse(413, "RequestEntityTooLarge", "the body is too large")
	}
	sub, err := parse(body, logs)
	if err != nil {
		return refuse(400, api+".ValidationError", err.Error())
	}
	to, previous, refusal := s.place(name, sub)
	if to == nil {
		return refuse(400, api+".ValidationError", refusal)
	}
	taken, err := s.host.Subscribe(link.Subscription{
		ID: to.id, Name: name, Logs: logs, RuntimeDone: sub.runtimeDone, Types: sub.types,
	})
	if err == nil && taken {
		return http1.Answer{Status: 200, Fields: []http1.Field{{Name: "Content-Type", Value: "text/plain"}}, Body: []byte("OK")}
	}
	to.ask(previous)
	if err != nil {
		return refuse(500, "InternalServerError", "the platform is gone; exit")
	}
	return refuse(403, api+".SubscriptionClosed", api+" API subscription is closed already")
}

// place finds or makes the subscriber called name, and has it deliver as sub says. It returns what held before, nil for a
// new one; a nil subscriber and why if it cannot be.
func (s *Server) place(name string, sub *subscription) (to *subscriber, previous *subscription, refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.all, func(o *subscriber) bool { return o.name == name })
	switch {
	case s.closed:
		return nil, nil, "the environment ends"
	case i >= 0:
		to = s.all[i]
		if previous = to.asked(); previous != nil && previous.logs != sub.logs {
			return nil, nil, "an extension may use one of Telemetry API and Logs API"
		}
	case len(s.all) >= link.MaxSubscribers:
		return nil, nil, "there are too many subscribers"
	default:
		to = newSubscriber(len(s.all), name)
		s.all = append(s.all, to)
		s.wg.Go(to.run) // ends in Close
	}
	to.ask(sub)
	return to, previous, ""
}

// Deliver queues an event, a line of JSON, which it keeps, for the subscribers with these ids; others are ignored.
func (s *Server) Deliver(to []int, event []byte) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range to {
		if id >= 0 && id < len(s.all) {
			s.all[id].add(event)
		}
	}
}

// Flush sends what is queued and calls then, from a goroutine of its own, when that has been delivered or was lost.
func (s *Server) Flush(then func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	all := slices.Clone(s.all)
	s.wg.Go(func() { // ends when the subscribers have, at the latest
		for _, to := range all {
			to.flush()
		}
		then()
	})
}

// Close ends deliveries, also those under way.
func (s *Server) Close() {
	s.mu.Lock()
	s.closed = true
	for _, to := range s.all {
		to.close()
	}
	s.mu.Unlock()
	s.wg.Wait()
}

func refuse(status int, errorType, message string) http1.Answer {
	body, _ := json.Marshal(struct { // strings always encode
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, errorType})
	return http1.Answer{Status: status, Fields: []http1.Field{{Name: "Content-Type", Value: "application/json"}}, Body: body}
}
