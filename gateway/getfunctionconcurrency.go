package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

// getFunctionConcurrency answers {} for a function without reserved concurrency.
func (c *call) getFunctionConcurrency() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	f, err := c.functions.Get(c.account, name, "")
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.Concurrency{ReservedConcurrentExecutions: f.Reserved})
}
