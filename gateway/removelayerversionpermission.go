package gateway

import "thaw.dev/thaw/api"

func (c *call) removeLayerVersionPermission() error {
	if err := api.CheckLayerStatement(c.label(0), c.label(2)); err != nil {
		return err
	}
	ref, err := c.numbered(c.ownLayer())
	if err != nil {
		return err
	}
	if err := c.layers.Forbid(c.r.Context(), ref, c.label(2), c.query("RevisionId")); err != nil {
		return err
	}
	return c.nothing()
}
