package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) stopDurableExecution() error {
	if err := api.CheckExecution(c.label(0), nil); err != nil {
		return err
	}
	ref, err := c.execution()
	if err != nil {
		return err
	}
	reason, err := c.durableError()
	if err != nil {
		return err
	}
	at, err := c.executions.StopExecution(c.r.Context(), ref, reason)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.StopDurableExecutionAnswer{StopTimestamp: api.FormatSeconds(at)})
}
