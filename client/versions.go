package client

import (
	"context"
	"net/http"
)

// PublishVersion makes the function's code and settings a version, and returns it: the newest one if nothing has changed
// since. It answers while the version may still be Pending.
func (c *Client) PublishVersion(ctx context.Context, function string) (FunctionConfiguration, error) {
	var out FunctionConfiguration
	err := c.doJSON(ctx, call{method: http.MethodPost, path: functionPath(function, "/versions")}, struct{}{}, &out)
	return out, err
}
