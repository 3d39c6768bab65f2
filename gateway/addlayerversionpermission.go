package gateway

import (
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/layer"
)

func (c *call) addLayerVersionPermission() error {
	var in api.AddLayerVersionPermissionRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	ref, err := c.numbered(c.ownLayer())
	if err != nil {
		return err
	}
	if given(in.OrganizationId) {
		return api.NotYet("OrganizationId")
	}
	statement, revision, err := c.layers.Permit(c.r.Context(), ref,
		layer.Permission{ID: *in.StatementId, Principal: accountOf(*in.Principal)}, c.query("RevisionId"))
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, api.AddLayerVersionPermissionAnswer{Statement: statement, RevisionId: revision})
}

// accountOf is the account of a principal: an account's id, its root user's ARN, or "*".
func accountOf(principal string) string {
	if rest, ok := strings.CutPrefix(principal, "arn:"); ok {
		return strings.TrimSuffix(rest[strings.Index(rest, "::")+2:], ":root")
	}
	return principal
}
