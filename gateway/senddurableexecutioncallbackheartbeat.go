package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) sendDurableExecutionCallbackHeartbeat() error {
	id := c.label(0)
	if err := api.CheckCallback(id); err != nil {
		return err
	}
	if err := c.executions.Heartbeat(c.r.Context(), c.account, id); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct{}{})
}
