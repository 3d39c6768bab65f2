package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) updateAlias() error {
	var in api.UpdateAliasRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0), c.label(1)); err != nil {
		return err
	}
	name, alias, err := c.aliased()
	if err != nil {
		return err
	}
	a, err := c.functions.UpdateAlias(c.r.Context(), control.AliasInput{
		Account: c.account, Name: name, Alias: alias, Version: in.FunctionVersion, Description: in.Description,
		Weights: weights(in.RoutingConfig), RevisionID: in.RevisionId,
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.alias(name, a))
}
