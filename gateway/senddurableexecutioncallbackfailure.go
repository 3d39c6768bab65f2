package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) sendDurableExecutionCallbackFailure() error {
	id := c.label(0)
	if err := api.CheckCallback(id); err != nil {
		return err
	}
	why, err := c.durableError()
	if err != nil {
		return err
	}
	if err := c.executions.FailCallback(c.r.Context(), c.account, id, why); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct{}{})
}
