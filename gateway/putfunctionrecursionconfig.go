package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) putFunctionRecursionConfig() error {
	var in api.RecursionConfig
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
	if err := c.functions.SetRecursion(c.r.Context(), c.caller.AccountID, name, *in.RecursiveLoop); err != nil {
		return err
	}
	return c.json(http.StatusOK, in)
}
