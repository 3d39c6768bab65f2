package client

import (
	"context"
	"net/http"

	"thaw.dev/thaw/api"
)

// ProvisionedConcurrency is how far the allocation of provisioned concurrency has come.
type ProvisionedConcurrency = api.ProvisionedConcurrency

func provisioned(method, function, version string) call {
	return call{
		method: method, path: "/2019-09-30/functions/" + escape(function) + "/provisioned-concurrency",
		query: query{{"Qualifier", version}},
	}
}

// PutProvisionedConcurrency keeps n environments of a published version initialised. It answers before they are.
func (c *Client) PutProvisionedConcurrency(ctx context.Context, function, version string, n int) (ProvisionedConcurrency, error) {
	var out ProvisionedConcurrency
	in := api.PutProvisionedConcurrencyRequest{ProvisionedConcurrentExecutions: &n}
	err := c.doJSON(ctx, provisioned(http.MethodPut, function, version), in, &out)
	return out, err
}

// GetProvisionedConcurrency tells how far the allocation has come.
func (c *Client) GetProvisionedConcurrency(ctx context.Context, function, version string) (ProvisionedConcurrency, error) {
	var out ProvisionedConcurrency
	err := c.doJSON(ctx, provisioned(http.MethodGet, function, version), nil, &out)
	return out, err
}

// DeleteProvisionedConcurrency ends it.
func (c *Client) DeleteProvisionedConcurrency(ctx context.Context, function, version string) error {
	return c.doJSON(ctx, provisioned(http.MethodDelete, function, version), nil, nil)
}
