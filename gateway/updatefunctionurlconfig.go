package gateway

import "net/http"

func (c *call) updateFunctionURLConfig() error {
	in, err := c.urlInput(true)
	if err != nil {
		return err
	}
	u, err := c.functions.UpdateURL(c.r.Context(), in)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.urlConfig(in.Name, in.Qualifier, u))
}
