package gateway

import "thaw.dev/thaw/api"

func (c *call) putResourcePolicy() error {
	var in api.PutResourcePolicyRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	ref, err := c.policyOwner()
	if err != nil {
		return err
	}
	p, err := c.functions.PutPolicy(c.r.Context(), c.account, ref.Name, ref.Qualifier, *in.Policy, in.RevisionId)
	if err != nil {
		return err
	}
	return c.policy(p)
}
