package destination

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/lambda"
)

// Errors of Send; match with errors.Is.
var (
	// ErrNoEndpoint is returned for a target of a service for which no endpoint was configured.
	ErrNoEndpoint = errors.New("no endpoint is configured for this service")
	// ErrTooLarge is returned for a message that the service takes in no case.
	ErrTooLarge = errors.New("message is too large for its target")
)

// Endpoint is where a service is and who calls it.
type Endpoint struct {
	URL string // http or https, without a path; "" if there is none
	Credentials
}

// Options configure a Sender.
type Options struct {
	SQS, SNS, Events, S3 Endpoint
	// S3Region is the region of S3 signatures. Those of the others are for the region in the target's ARN.
	S3Region string
}

// Sender sends messages. Its methods may be called concurrently.
type Sender struct {
	endpoints map[string]Endpoint // by service
	s3Region  string
	http      *http.Client

	mu     sync.Mutex
	queues map[string]string // the URL of a queue by its ARN; guarded by mu
}

// Message is one message to one target.
type Message struct {
	Target    string // ARN
	RequestID string // of the invocation
	Function  string // name
	// FunctionARN is the function's, qualified.
	FunctionARN string
	// Success says which kind of record Body is.
	Success bool
	// DeadLetter says that Body is the event itself, and the message goes with its attributes.
	DeadLetter   bool
	ErrorCode    int
	ErrorMessage string
	Body         []byte    // JSON
	Time         time.Time // when the invocation ended; part of an object's key
}

const (
	// dialTimeout and idleTimeout are those of connections.
	dialTimeout = 5 * time.Second
	idleTimeout = time.Minute
	// maxQueues bounds the URLs of queues that are remembered.
	maxQueues = 1024
)

// Limits of a message in bytes. Source: quotas of Amazon SQS (since August 2025), SNS and EventBridge (since 2026).
const (
	maxQueueMessage = 1 << 20
	maxTopicMessage = 256 << 10
	maxBusEntry     = 1 << 20
)

// New returns a Sender. It checks the form of the endpoints and calls none of them.
func New(o Options) (*Sender, error) {
	s := &Sender{
		endpoints: map[string]Endpoint{"sqs": o.SQS, "sns": o.SNS, "events": o.Events, "s3": o.S3},
		s3Region:  o.S3Region, queues: map[string]string{},
	}
	for service, e := range s.endpoints {
		if e.URL == "" {
			continue
		}
		u, err := url.Parse(e.URL)
		if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.User != nil {
			return nil, fmt.Errorf("endpoint of %s %q: want a form like https://sqs.example.com", service, e.URL)
		}
		if e.AccessKeyID == "" || e.SecretAccessKey == "" {
			return nil, fmt.Errorf("endpoint of %s: no credentials", service)
		}
		e.URL = u.Scheme + "://" + u.Host
		s.endpoints[service] = e
	}
	s.http = &http.Client{
		Transport: &http.Transport{
			DialContext:         (&net.Dialer{Timeout: dialTimeout}).DialContext,
			MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTimeout, TLSHandshakeTimeout: dialTimeout, ForceAttemptHTTP2: true,
		},
		// A signature is for one host.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return s, nil
}

// Close drops idle connections.
func (s *Sender) Close() { s.http.CloseIdleConnections() }

// Reaches reports whether there is an endpoint for a service: sqs, sns, events or s3.
func (s *Sender) Reaches(service string) bool { return s.endpoints[service].URL != "" }

// Send returns nil when the target has taken the message. ErrNoEndpoint and ErrTooLarge stay as they are until somebody
// changes something; any other error may be one of the moment.
func (s *Sender) Send(ctx context.Context, m *Message) error {
	t, ok := lambda.ParseTarget(m.Target)
	if !ok {
		return fmt.Errorf("send to %q: not an ARN that messages can go to", m.Target)
	}
	var err error
	switch e := s.endpoints[t.Service]; {
	case e.URL == "":
		err = ErrNoEndpoint
	case t.Service == "sqs":
		err = s.toQueue(ctx, e, t, m)
	case t.Service == "sns":
		err = s.toTopic(ctx, e, t, m)
	case t.Service == "events":
		err = s.toBus(ctx, e, t, m)
	default:
		err = s.toBucket(ctx, e, t, m)
	}
	if err != nil {
		return fmt.Errorf("send to %s: %w", m.Target, err)
	}
	return nil
}

// attribute is an attribute of a message to a queue or topic.
type attribute struct{ name, kind, value string }

// attributes are those of a dead letter. Source: AWS Lambda developer guide, "Dead-letter queues".
func (m *Message) attributes() []attribute {
	if !m.DeadLetter {
		return nil
	}
	message := m.ErrorMessage
	if message == "" {
		message = "unknown" // an attribute must not be empty
	}
	return []attribute{
		{"RequestID", "String", m.RequestID},
		{"ErrorCode", "Number", fmt.Sprint(m.ErrorCode)},
		{"ErrorMessage", "String", message},
	}
}
