package client

import (
	"context"
	"fmt"
	"time"

	"thaw.dev/thaw/lambda"
)

// The first polls come fast, because most functions are ready within milliseconds.
const (
	firstPoll = 10 * time.Millisecond
	maxPoll   = 500 * time.Millisecond
)

// WaitActive polls until the function is Active and its last update is over, and returns its configuration. It fails
// when creation or update failed, naming the reason, when the function is not there, or with ctx.
func (c *Client) WaitActive(ctx context.Context, function string) (FunctionConfiguration, error) {
	for pause := firstPoll; ; pause = min(2*pause, maxPoll) {
		f, err := c.GetFunctionConfiguration(ctx, function)
		if err != nil {
			return FunctionConfiguration{}, err
		}
		switch {
		case f.State == string(lambda.StateFailed):
			return f, fmt.Errorf("function %s failed to become active: %s: %s", f.FunctionName, f.StateReasonCode, f.StateReason)
		case f.LastUpdateStatus == string(lambda.UpdateFailed):
			return f, fmt.Errorf("update of function %s failed: %s: %s", f.FunctionName, f.LastUpdateReasonCode, f.LastUpdateReason)
		case f.State == string(lambda.StateActive) && f.LastUpdateStatus != string(lambda.UpdateInProgress):
			return f, nil
		}
		select {
		case <-ctx.Done():
			return f, fmt.Errorf("function %s is still %s: %w", f.FunctionName, f.State, context.Cause(ctx))
		case <-time.After(pause):
		}
	}
}
