package gateway

import "net/http"

func (c *call) putFunctionEventInvokeConfig() error {
	in, err := c.eventInvokeInput()
	if err != nil {
		return err
	}
	e, err := c.functions.PutEventInvoke(c.r.Context(), in)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.eventInvokeConfig(in.Name, in.Qualifier, e))
}
