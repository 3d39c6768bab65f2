package gateway

import (
	"context"
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// Events takes asynchronous invocations; *async.Queue is one.
type Events interface {
	// Enqueue returns nil when the invocation will be run, whatever happens.
	Enqueue(ctx context.Context, req *invoke.Request) error
}

// invokeEvent accepts an invocation to be run later. The function must be able to run now.
// If it is durable, fn, an execution of that name is its queue.
func (c *call) invokeEvent(req *invoke.Request, fn *lambda.Config, name string) error {
	if len(c.body) > lambda.MaxEventPayloadBytes {
		return lambda.Errorf(lambda.KindTooLarge, "Request must be smaller than %d bytes for the InvokeFunction operation", lambda.MaxEventPayloadBytes)
	}
	if fn != nil {
		ref, err := c.executions.Start(c.r.Context(), fn, req, name)
		if err != nil {
			return err
		}
		c.w.Header()["X-Amz-Durable-Execution-Arn"] = []string{ref.ARN()}
	} else if err := c.enqueue(req); err != nil {
		return err
	}
	c.respond(http.StatusAccepted, "", nil)
	return nil
}

// enqueue has an invocation run later. What only callers that wait can use is left out.
func (c *call) enqueue(req *invoke.Request) error {
	fn, err := c.functions.Resolve(req.Account, req.Function, req.Qualifier)
	if err != nil {
		return err
	}
	if _, err := fn.ForTenant(req.Tenant); err != nil {
		return err
	}
	req.ClientContext, req.LogTail = "", false
	return c.events.Enqueue(c.r.Context(), req)
}

// invokeAsync is Lambda's oldest way to invoke a function asynchronously.
func (c *call) invokeAsync() error {
	if err := api.CheckName(c.label(0), ""); err != nil {
		return err
	}
	ref, err := c.function(c.label(0), "")
	if err != nil {
		return err
	}
	event, err := payload(c.r.Header.Get("Content-Type"), c.body)
	if err != nil {
		return err
	}
	req := &invoke.Request{
		ID: c.id, Account: c.account, Function: ref.Name, Qualifier: ref.Qualifier,
		ARN:     lambda.FunctionARN(c.region, c.account, ref.Name, ref.Qualifier),
		Payload: event, TraceID: traceID(c.r.Header),
	}
	if _, err := c.executions.Durable(req); err != nil { // it has no qualifier, which durable functions need
		return err
	}
	if err := c.enqueue(req); err != nil {
		return err
	}
	return c.json(http.StatusAccepted, api.InvokeAsyncAnswer{Status: http.StatusAccepted})
}
