package client

import (
	"context"
	"net/http"
)

// InvokeEvent has a function invoked later with the event, JSON, and returns the request id that its log will have. When it
// returns nil the event will be run, whatever happens to the server. qualifier "" means $LATEST.
func (c *Client) InvokeEvent(ctx context.Context, function, qualifier string, event []byte) (requestID string, err error) {
	k := call{
		service: "lambda", method: http.MethodPost, path: functionPath(function, "/invocations"), body: event,
		header: []header{{"X-Amz-Invocation-Type", "Event"}},
	}
	if qualifier != "" {
		k.query = query{{"Qualifier", qualifier}}
	}
	resp, _, err := c.do(ctx, k)
	if err != nil {
		return "", err
	}
	return resp.Header.Get("X-Amzn-Requestid"), nil
}
