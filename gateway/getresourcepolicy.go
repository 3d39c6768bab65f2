package gateway

import "thaw.dev/thaw/api"

func (c *call) getResourcePolicy() error {
	if err := api.CheckPolicyResource(c.label(0)); err != nil {
		return err
	}
	ref, err := c.policyOwner()
	if err != nil {
		return err
	}
	p, err := c.functions.PolicyText(c.account, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	return c.policy(p)
}
