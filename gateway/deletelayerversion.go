package gateway

func (c *call) deleteLayerVersion() error {
	ref, err := c.numbered(c.ownLayer())
	if err != nil {
		return err
	}
	if err := c.layers.Delete(c.r.Context(), ref.Account, ref.Name, ref.Version); err != nil {
		return err
	}
	return c.nothing()
}
