package gateway

import "net/http"

func (c *call) updateFunctionEventInvokeConfig() error {
	in, err := c.eventInvokeInput()
	if err != nil {
		return err
	}
	e, err := c.functions.UpdateEventInvoke(c.r.Context(), in)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.eventInvokeConfig(in.Name, in.Qualifier, e))
}
