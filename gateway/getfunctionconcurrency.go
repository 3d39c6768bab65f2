package gateway

import "net/http"

// getFunctionConcurrency answers {}: no function has reserved concurrency yet.
func (c *call) getFunctionConcurrency() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	if _, err := c.functions.Get(c.caller.AccountID, name, ""); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct{}{})
}
