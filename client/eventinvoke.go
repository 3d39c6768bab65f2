package client

import (
	"context"
	"net/http"

	"thaw.dev/thaw/api"
)

// EventInvokeInput is how a function's asynchronous invocations are treated.
type EventInvokeInput struct {
	Function             string
	Qualifier            string // "" means $LATEST
	MaxRetries           *int   // nil: Lambda's default
	MaxAgeSeconds        *int   // nil: Lambda's default
	OnSuccess, OnFailure string // ARNs; "" for none
}

// PutFunctionEventInvokeConfig replaces how asynchronous invocations are treated.
func (c *Client) PutFunctionEventInvokeConfig(ctx context.Context, in EventInvokeInput) error {
	k := call{method: http.MethodPut, path: "/2019-09-25/functions/" + escape(in.Function) + "/event-invoke-config"}
	if in.Qualifier != "" {
		k.query = query{{"Qualifier", in.Qualifier}}
	}
	body := api.EventInvokeRequest{
		MaximumRetryAttempts: in.MaxRetries, MaximumEventAgeInSeconds: in.MaxAgeSeconds,
		DestinationConfig: &api.DestinationConfig{OnSuccess: &api.Destination{}, OnFailure: &api.Destination{}},
	}
	if in.OnSuccess != "" {
		body.DestinationConfig.OnSuccess.Destination = &in.OnSuccess
	}
	if in.OnFailure != "" {
		body.DestinationConfig.OnFailure.Destination = &in.OnFailure
	}
	return c.doJSON(ctx, k, body, nil)
}
