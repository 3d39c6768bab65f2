package gateway

// deleteProvisionedConcurrencyConfig succeeds also where there is none: the service model has no error for that.
func (c *call) deleteProvisionedConcurrencyConfig() error {
	ref, err := c.qualified()
	if err != nil {
		return err
	}
	if err := c.functions.Unprovision(c.r.Context(), c.caller.AccountID, ref.Name, ref.Qualifier); err != nil {
		return err
	}
	return c.nothing()
}
