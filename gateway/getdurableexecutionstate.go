package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
)

// stateAnswer is the answer of GetDurableExecutionState.
type stateAnswer struct {
	Operations []durable.Shown
	NextMarker string `json:",omitempty"`
}

func (c *call) getDurableExecutionState() error {
	limit, items, err := c.durablePage()
	if err != nil {
		return err
	}
	token := c.query("CheckpointToken")
	if err := api.CheckExecutionState(c.label(0), token, limit); err != nil {
		return err
	}
	ref, err := c.execution()
	if err != nil {
		return err
	}
	list, next, err := c.executions.State(c.r.Context(), ref, token, c.query("Marker"), items)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, stateAnswer{shownOperations(list), next})
}
