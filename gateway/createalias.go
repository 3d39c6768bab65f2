package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) createAlias() error {
	var in api.CreateAliasRequest
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
	a, err := c.functions.CreateAlias(c.r.Context(), control.AliasInput{
		Account: c.account, Name: name, Alias: *in.Name, Version: in.FunctionVersion, Description: in.Description,
		Weights: weights(in.RoutingConfig),
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.alias(name, a))
}
