package gateway

import "net/http"

func (c *call) getFunctionURLConfig() error {
	name, alias, err := c.urlFunction()
	if err != nil {
		return err
	}
	u, err := c.functions.URL(c.account, name, alias)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.urlConfig(name, alias, u))
}
