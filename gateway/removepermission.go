package gateway

import "thaw.dev/thaw/api"

func (c *call) removePermission() error {
	if err := api.CheckStatement(c.label(0), c.label(1), c.query("Qualifier")); err != nil {
		return err
	}
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	if err := c.functions.RemovePermission(c.r.Context(), c.account, ref.Name, ref.Qualifier, c.label(1), c.revisionID()); err != nil {
		return err
	}
	return c.nothing()
}
