package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) createCodeSigningConfig() error {
	var in api.CodeSigningConfigRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(); err != nil {
		return err
	}
	v, err := c.signing.Create(c.r.Context(), c.caller.AccountID, signingInput(&in))
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, api.CodeSigningConfigAnswer{CodeSigningConfig: c.signingConfig(v)})
}
