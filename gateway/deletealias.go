package gateway

// deleteAlias succeeds also where the function has no such alias, as the service does.
func (c *call) deleteAlias() error {
	name, alias, err := c.aliased()
	if err != nil {
		return err
	}
	if err := c.functions.DeleteAlias(c.r.Context(), c.account, name, alias); err != nil {
		return err
	}
	return c.nothing()
}
