package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) putFunctionConcurrency() error {
	var in api.PutFunctionConcurrencyRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	if err := c.functions.Reserve(c.r.Context(), c.account, name, *in.ReservedConcurrentExecutions); err != nil {
		return err
	}
	return c.json(http.StatusOK, api.Concurrency{ReservedConcurrentExecutions: in.ReservedConcurrentExecutions})
}
