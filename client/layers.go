package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"thaw.dev/thaw/api"
)

// LayerVersion is a version of a layer.
type LayerVersion = api.LayerVersion

// PublishLayerVersion publishes the zip as a new version of a layer, the first if there is no such layer.
func (c *Client) PublishLayerVersion(ctx context.Context, layer string, zip []byte) (LayerVersion, error) {
	var out LayerVersion
	in := struct{ Content CodeInput }{CodeInput{zip}}
	err := c.doJSON(ctx, call{method: http.MethodPost, path: layerVersionsPath(layer)}, in, &out)
	return out, err
}

// DeleteLayerVersion deletes a version of a layer; functions that use it go on.
func (c *Client) DeleteLayerVersion(ctx context.Context, layer string, version int) error {
	return c.doJSON(ctx, call{method: http.MethodDelete, path: layerVersionsPath(layer) + "/" + strconv.Itoa(version)}, nil, nil)
}

func layerVersionsPath(layer string) string {
	return "/2018-10-31/layers/" + url.PathEscape(layer) + "/versions"
}
