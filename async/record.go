package async

import (
	"bytes"
	"encoding/json"
	"time"
	"unicode/utf8"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// condition is why an event ended.
type condition int

const (
	conditionSuccess       condition = iota
	conditionRetries                 // all attempts failed
	conditionAge                     // its age ran out
	conditionNoConcurrency           // the function's reserved concurrency is 0
	conditionRecursive               // it is one of a loop
	conditions
)

// String is the condition's name in records. Source: recordings of AWS's records; that of a loop is not known.
func (c condition) String() string {
	return [conditions]string{"Success", "RetriesExhausted", "EventAgeExceeded", "ZeroReservedConcurrency", "RecursiveInvocation"}[c]
}

// record is what destinations get. Its members' order is AWS's.
type record struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext,omitempty"`
	ResponsePayload json.RawMessage  `json:"responsePayload,omitempty"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// record returns what makes the record of an event that ended, for when there is a destination. result is that of the
// last attempt, nil if there is none.
func (q *Queue) record(e *store.Event, attempts int, c condition, result *invoke.Result) func() ([]byte, error) {
	return func() ([]byte, error) {
		r := record{
			Version:   "1.0",
			Timestamp: time.Now().UTC().Format("2006-01-02T15:04:05.000Z"),
			RequestContext: requestContext{
				RequestID: e.ID, FunctionARN: q.functionARN(e), Condition: c.String(), ApproximateInvokeCount: attempts,
			},
			RequestPayload: e.Payload,
		}
		if result != nil {
			r.ResponseContext = &responseContext{200, result.ExecutedVersion, result.FunctionError}
			if r.ResponsePayload = result.Payload; !json.Valid(result.Payload) { // a custom runtime may answer anything
				r.ResponsePayload, _ = json.Marshal(string(result.Payload)) // any string can be encoded
			}
		}
		var b bytes.Buffer
		enc := json.NewEncoder(&b)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(r); err != nil {
			return nil, err
		}
		return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
	}
}

// functionARN is the ARN of an event's function, always qualified.
func (q *Queue) functionARN(e *store.Event) string {
	qualifier := e.Qualifier
	if qualifier == "" {
		qualifier = lambda.Latest
	}
	return lambda.FunctionARN(q.region, e.Account, e.Function, qualifier)
}

// deadLetter is what a dead letter queue gets beside the event. Source: AWS Lambda developer guide, "Dead-letter queues".
func deadLetter(c condition, p *store.Progress, result *invoke.Result) *store.Delivery {
	d := &store.Delivery{DeadLetter: true, ErrorCode: 200}
	switch {
	case result != nil:
		d.ErrorMessage = errorMessage(result.Payload)
	case c == conditionAge && p.LastError != "":
		d.ErrorCode, d.ErrorMessage = 429, p.LastError
	default:
		d.ErrorCode, d.ErrorMessage = 429, c.String()
	}
	return d
}

// maxErrorMessage is how much of an error's text is kept, in bytes. Source: AWS Lambda developer guide, "Dead-letter queues".
const maxErrorMessage = 1 << 10

// errorMessage is the text of a function's error.
func errorMessage(payload []byte) string {
	var e struct {
		ErrorMessage string `json:"errorMessage"`
	}
	if json.Unmarshal(payload, &e) == nil && e.ErrorMessage != "" {
		return clip(e.ErrorMessage)
	}
	return clip(string(payload[:min(len(payload), maxErrorMessage+utf8.UTFMax)]))
}

// clip cuts text to what is kept of an error, between two characters.
func clip(s string) string {
	if len(s) <= maxErrorMessage {
		return s
	}
	end := maxErrorMessage
	for end > maxErrorMessage-utf8.UTFMax && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end]
}
