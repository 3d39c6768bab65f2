package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) putFunctionCodeSigningConfig() error {
	var in api.PutFunctionCodeSigningConfigRequest
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
	if err := c.functions.SetCodeSigning(c.r.Context(), c.caller.AccountID, name, *in.CodeSigningConfigArn); err != nil {
		return err
	}
	return c.json(http.StatusOK, api.FunctionCodeSigningConfigAnswer{CodeSigningConfigArn: *in.CodeSigningConfigArn, FunctionName: name})
}
