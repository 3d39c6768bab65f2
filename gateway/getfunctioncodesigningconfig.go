package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

// getFunctionCodeSigningConfig answers with the name alone for a function without such a configuration.
func (c *call) getFunctionCodeSigningConfig() error {
	name, err := c.unqualified(c.label(0), false)
	if err != nil {
		return err
	}
	f, err := c.functions.Get(c.caller.AccountID, name, "")
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.FunctionCodeSigningConfigAnswer{CodeSigningConfigArn: f.CodeSigning, FunctionName: name})
}
