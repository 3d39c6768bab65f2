package client

import (
	"context"
	"net/http"

	"thaw.dev/thaw/api"
)

// concurrencyPath is the path of a function's reserved concurrency.
func concurrencyPath(function string) string {
	return "/2017-10-31/functions/" + escape(function) + "/concurrency"
}

// PutFunctionConcurrency reserves concurrency for a function, which bounds it, too; 0 lets no invocation in.
func (c *Client) PutFunctionConcurrency(ctx context.Context, function string, reserved int) error {
	in := api.PutFunctionConcurrencyRequest{ReservedConcurrentExecutions: &reserved}
	return c.doJSON(ctx, call{method: http.MethodPut, path: concurrencyPath(function)}, in, nil)
}

// DeleteFunctionConcurrency takes a function's reserved concurrency away.
func (c *Client) DeleteFunctionConcurrency(ctx context.Context, function string) error {
	return c.doJSON(ctx, call{method: http.MethodDelete, path: concurrencyPath(function)}, nil, nil)
}
