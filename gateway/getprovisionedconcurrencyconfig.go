package gateway

import "net/http"

func (c *call) getProvisionedConcurrencyConfig() error {
	ref, err := c.qualified()
	if err != nil {
		return err
	}
	p, err := c.functions.ProvisionedOf(c.caller.AccountID, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, provisioned(&p))
}
