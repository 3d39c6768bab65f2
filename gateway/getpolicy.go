package gateway

func (c *call) getPolicy() error {
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	p, err := c.functions.PolicyText(c.account, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	return c.policy(p)
}
