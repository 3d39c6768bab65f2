package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) addPermission() error {
	var in api.AddPermissionRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0), c.query("Qualifier")); err != nil {
		return err
	}
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	statement, err := c.functions.AddPermission(c.r.Context(), c.account, ref.Name, ref.Qualifier, control.Permission{
		StatementID: *in.StatementId, Action: *in.Action, Principal: *in.Principal, SourceARN: value(in.SourceArn),
		SourceAccount: value(in.SourceAccount), EventSourceToken: value(in.EventSourceToken), PrincipalOrgID: value(in.PrincipalOrgID),
		FunctionURLAuthType: value(in.FunctionUrlAuthType), InvokedViaFunctionURL: in.InvokedViaFunctionUrl,
	}, in.RevisionId)
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, api.AddPermissionAnswer{Statement: statement})
}
