package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// alias is how the API shows a.
func (c *call) alias(function string, a *lambda.Alias) api.Alias {
	out := api.Alias{
		AliasArn:        lambda.FunctionARN(c.region, c.account, function, a.Name),
		Name:            a.Name,
		FunctionVersion: a.Version,
		Description:     a.Description,
		RevisionId:      a.RevisionID,
	}
	if a.Additional != "" {
		out.RoutingConfig = &api.RoutingConfig{AdditionalVersionWeights: map[string]*float64{a.Additional: new(a.Weight)}}
	}
	return out
}

// weights are those of a request: nil if they were not given, empty to have none. They were checked.
func weights(r *api.RoutingConfig) map[string]float64 {
	if r == nil {
		return nil
	}
	out := make(map[string]float64, len(r.AdditionalVersionWeights))
	for version, w := range r.AdditionalVersionWeights {
		out[version] = *w
	}
	return out
}

// aliased returns the function and the alias that the path names.
func (c *call) aliased() (function, alias string, err error) {
	if err := api.CheckAlias(c.label(0), c.label(1)); err != nil {
		return "", "", err
	}
	function, err = c.unqualified(c.label(0), false)
	return function, c.label(1), err
}

var aliasHandlers = map[string]handler{
	"CreateAlias": {(*call).createAlias, smallBody},
	"GetAlias":    {(*call).getAlias, smallBody},
	"UpdateAlias": {(*call).updateAlias, smallBody},
	"DeleteAlias": {(*call).deleteAlias, smallBody},
	"ListAliases": {(*call).listAliases, smallBody},
}
