package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) updateCodeSigningConfig() error {
	var in api.CodeSigningConfigRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.CheckUpdate(c.label(0)); err != nil {
		return err
	}
	v, err := c.signing.Update(c.r.Context(), c.caller.AccountID, c.label(0), signingInput(&in))
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.CodeSigningConfigAnswer{CodeSigningConfig: c.signingConfig(v)})
}
