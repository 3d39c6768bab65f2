package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) getCodeSigningConfig() error {
	arn := c.label(0)
	if err := api.CheckSigningARN(arn, nil); err != nil {
		return err
	}
	v, err := c.signing.Get(c.caller.AccountID, arn)
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, api.CodeSigningConfigAnswer{CodeSigningConfig: c.signingConfig(v)})
}
