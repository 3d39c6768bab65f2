package gateway

import "net/http"

func (c *call) getFunctionEventInvokeConfig() error {
	ref, err := c.eventInvoked()
	if err != nil {
		return err
	}
	e, err := c.functions.EventInvoke(c.caller.AccountID, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.eventInvokeConfig(ref.Name, ref.Qualifier, e))
}
