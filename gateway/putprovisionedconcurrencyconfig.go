package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) putProvisionedConcurrencyConfig() error {
	var in api.PutProvisionedConcurrencyRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0), c.query("Qualifier")); err != nil {
		return err
	}
	ref, err := c.qualified()
	if err != nil {
		return err
	}
	p, err := c.functions.Provision(c.r.Context(), c.caller.AccountID, ref.Name, ref.Qualifier, *in.ProvisionedConcurrentExecutions)
	if err != nil {
		return err
	}
	return c.json(http.StatusAccepted, provisioned(&p))
}
