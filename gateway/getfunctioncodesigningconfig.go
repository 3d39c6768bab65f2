package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

// getFunctionCodeSigningConfig answers with the name alone: no function has such a configuration.
func (c *call) getFunctionCodeSigningConfig() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	if _, err := c.functions.Get(c.caller.AccountID, name, ""); err != nil {
		return err
	}
	return c.json(http.StatusOK, api.CodeSigningConfigAnswer{FunctionName: name})
}
