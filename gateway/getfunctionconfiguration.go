package gateway

import "net/http"

func (c *call) getFunctionConfiguration() error {
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	f, err := c.functions.Get(c.account, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.configuration(&f.Config, ref.Qualifier))
}
