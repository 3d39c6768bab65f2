package gateway

func (c *call) deleteFunctionEventInvokeConfig() error {
	ref, err := c.eventInvoked()
	if err != nil {
		return err
	}
	if err := c.functions.DeleteEventInvoke(c.r.Context(), c.caller.AccountID, ref.Name, ref.Qualifier); err != nil {
		return err
	}
	return c.nothing()
}
