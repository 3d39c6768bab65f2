package gateway

func (c *call) deleteFunctionConcurrency() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	if err := c.functions.Unreserve(c.r.Context(), c.account, name); err != nil {
		return err
	}
	return c.nothing()
}
