package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) getFunctionRecursionConfig() error {
	if err := api.CheckEventInvoke(c.label(0), ""); err != nil {
		return err
	}
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	loop, err := c.functions.Recursion(c.caller.AccountID, name)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.RecursionConfig{RecursiveLoop: &loop})
}
