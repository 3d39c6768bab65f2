package gateway

import (
	"context"
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/eventstream"
	"thaw.dev/thaw/lambda"
)

// Logs answers the operations of CloudWatch Logs. Errors for callers are *lambda.Error.
type Logs interface {
	// Answer answers a call with the JSON text of its answer.
	Answer(ctx context.Context, account, operation string, body []byte) ([]byte, error)
	// StartLiveTail begins a live tail, for which it returns what sends its messages until the caller leaves.
	StartLiveTail(ctx context.Context, account string, body []byte) (Tail, error)
}

// Tail is a live tail that was granted.
type Tail interface {
	// Run sends messages of an event stream; it returns send's error. It must be called once.
	Run(requestID string, send func(message []byte) error) error
}

// logsBody is the largest request that is read: PutLogEvents takes 1 MiB of text, which JSON makes longer.
const logsBody = 6 << 20

// logsType is the media type of requests and answers of CloudWatch Logs.
const logsType = "application/x-amz-json-1.1"

// cloudWatchLogs answers requests to "/" with the target header of CloudWatch Logs.
func (c *call) cloudWatchLogs(target string) error {
	c.dialect = dialectTarget
	if err := c.authenticate("logs", logsBody); err != nil {
		return err
	}
	operation, ok := strings.CutPrefix(target, api.LogsTarget)
	if !ok || c.r.Method != http.MethodPost {
		return lambda.Errorf(lambda.KindUnknownOperation, "%.64s is no operation of a service that Thaw has", target)
	}
	if err := c.authorizeLogs(operation); err != nil {
		return err
	}
	if operation == "StartLiveTail" {
		return c.liveTail()
	}
	answer, err := c.logs.Answer(c.r.Context(), c.caller.AccountID, operation, c.body)
	if err != nil {
		return err
	}
	c.respond(http.StatusOK, logsType, answer)
	return nil
}

func (c *call) liveTail() error {
	tail, err := c.logs.StartLiveTail(c.r.Context(), c.caller.AccountID, c.body)
	if err != nil {
		return err
	}
	c.w.Header()["Content-Type"] = []string{eventstream.ContentType}
	c.status = http.StatusOK
	c.w.WriteHeader(c.status)
	flusher := http.NewResponseController(c.w)
	_ = tail.Run(c.id, func(message []byte) error { // its error is that the caller left
		if _, err := c.w.Write(message); err != nil {
			return err
		}
		return flusher.Flush()
	})
	return nil
}
