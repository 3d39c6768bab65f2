package gateway

func (c *call) deleteFunctionCodeSigningConfig() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	if err := c.functions.SetCodeSigning(c.r.Context(), c.caller.AccountID, name, ""); err != nil {
		return err
	}
	return c.nothing()
}
