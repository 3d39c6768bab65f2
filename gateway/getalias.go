package gateway

import "net/http"

func (c *call) getAlias() error {
	name, alias, err := c.aliased()
	if err != nil {
		return err
	}
	a, err := c.functions.Alias(c.account, name, alias)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.alias(name, a))
}
