package gateway

import (
	"net/http"

	"thaw.dev/thaw/lambda"
)

func (c *call) getLayerVersion() error {
	ref, err := c.numbered(c.namedLayer())
	if err != nil {
		return err
	}
	return c.showLayerVersion(ref)
}

func (c *call) showLayerVersion(ref lambda.LayerRef) error {
	v, err := c.layers.Get(c.layerCaller(), ref)
	if err != nil {
		return err
	}
	answer, err := c.wholeLayerVersion(ref.Account, v)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, answer)
}
