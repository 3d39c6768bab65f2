package client

import (
	"context"
	"net/http"

	"thaw.dev/thaw/api"
)

// Alias is a name for a version of a function, or for two that share its invocations.
type Alias = api.Alias

// AliasInput is an alias to create, or what to change of one: zero members are left as they are.
type AliasInput struct {
	Name            string         `json:",omitempty"`
	FunctionVersion string         `json:",omitempty"` // $LATEST or a number
	Description     *string        `json:",omitempty"`
	RoutingConfig   *RoutingConfig `json:",omitempty"`
	RevisionId      string         `json:",omitempty"` //nolint:revive // the wire's spelling
}

// RoutingConfig names a second version and which part of the invocations it gets, 0 to 1; without any it ends that.
type RoutingConfig struct {
	AdditionalVersionWeights map[string]float64 `json:",omitempty"`
}

// CreateAlias makes an alias of a function. Its Name and FunctionVersion are required.
func (c *Client) CreateAlias(ctx context.Context, function string, in AliasInput) (Alias, error) {
	var out Alias
	err := c.doJSON(ctx, call{method: http.MethodPost, path: functionPath(function, "/aliases")}, in, &out)
	return out, err
}

// UpdateAlias changes the alias named in.Name.
func (c *Client) UpdateAlias(ctx context.Context, function string, in AliasInput) (Alias, error) {
	var out Alias
	path := functionPath(function, "/aliases/"+escape(in.Name))
	in.Name = ""
	err := c.doJSON(ctx, call{method: http.MethodPut, path: path}, in, &out)
	return out, err
}
