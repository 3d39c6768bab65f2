package gateway

import "thaw.dev/thaw/api"

func (c *call) deleteCodeSigningConfig() error {
	account, arn := c.caller.AccountID, c.label(0)
	if err := api.CheckSigningARN(arn, nil); err != nil {
		return err
	}
	err := c.functions.IfNotSigning(c.r.Context(), account, arn, func() error { return c.signing.Delete(c.r.Context(), account, arn) })
	if err != nil {
		return err
	}
	return c.nothing()
}
