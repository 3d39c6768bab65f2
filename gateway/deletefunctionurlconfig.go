package gateway

func (c *call) deleteFunctionURLConfig() error {
	name, alias, err := c.urlFunction()
	if err != nil {
		return err
	}
	if err := c.functions.DeleteURL(c.r.Context(), c.account, name, alias); err != nil {
		return err
	}
	return c.nothing()
}
