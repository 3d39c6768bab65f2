package gateway

import "thaw.dev/thaw/api"

func (c *call) deleteResourcePolicy() error {
	if err := api.CheckPolicyResource(c.label(0)); err != nil {
		return err
	}
	ref, err := c.policyOwner()
	if err != nil {
		return err
	}
	if err := c.functions.DeletePolicy(c.r.Context(), c.account, ref.Name, ref.Qualifier, c.revisionID()); err != nil {
		return err
	}
	return c.nothing()
}
