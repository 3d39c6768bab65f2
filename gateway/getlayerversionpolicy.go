package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) getLayerVersionPolicy() error {
	ref, err := c.numbered(c.ownLayer())
	if err != nil {
		return err
	}
	text, revision, err := c.layers.Policy(ref)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.LayerVersionPolicyAnswer{Policy: text, RevisionId: revision})
}
