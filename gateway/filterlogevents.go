package gateway

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// Logs reads function logs.
type Logs interface {
	// FilterLogEvents returns a page of events. Errors are *lambda.Error: KindNotFound for a group that is not there,
	// KindInvalid for a pattern or token that makes no sense.
	FilterLogEvents(ctx context.Context, account string, q *api.FilterLogEventsRequest) (*api.FilterLogEventsAnswer, error)
}

// logsBody is the largest request that is read.
const logsBody = 64 << 10

// cloudWatchLogs answers requests to "/" with the target header of CloudWatch Logs. FilterLogEvents is the only
// operation.
func (c *call) cloudWatchLogs(target string) error {
	c.dialect = dialectTarget
	if err := c.authenticate("logs", logsBody); err != nil {
		return err
	}
	operation, ok := strings.CutPrefix(target, api.LogsTarget)
	if !ok || operation != "FilterLogEvents" || c.r.Method != http.MethodPost {
		return lambda.Errorf(lambda.KindNotImplemented, "%.64s is not implemented yet by Thaw", target)
	}
	var q api.FilterLogEventsRequest
	if err := json.Unmarshal(c.body, &q); err != nil {
		return lambda.Errorf(lambda.KindInvalid, "The request body is not valid: %s", err)
	}
	if q.LogGroupName == "" || (len(q.LogStreamNames) > 0 && q.LogStreamNamePrefix != "") {
		return lambda.Errorf(lambda.KindInvalid, "A log group name is required, and only one of logStreamNames and logStreamNamePrefix")
	}
	answer, err := c.logs.FilterLogEvents(c.r.Context(), c.caller.AccountID, &q)
	if err != nil {
		return err
	}
	body, err := api.Encode(answer)
	if err != nil {
		return err
	}
	c.respond(http.StatusOK, "application/x-amz-json-1.1", body)
	return nil
}
