package gateway

import (
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

var policyHandlers = map[string]handler{
	"AddPermission":        {(*call).addPermission, smallBody},
	"RemovePermission":     {(*call).removePermission, smallBody},
	"GetPolicy":            {(*call).getPolicy, smallBody},
	"PutResourcePolicy":    {(*call).putResourcePolicy, smallBody},
	"GetResourcePolicy":    {(*call).getResourcePolicy, smallBody},
	"DeleteResourcePolicy": {(*call).deleteResourcePolicy, smallBody},
}

// policyOwner is the function, version or alias whose policy the path's ARN names.
func (c *call) policyOwner() (lambda.FunctionRef, error) {
	arn := c.label(0)
	if !strings.Contains(arn, ":function:") {
		return lambda.FunctionRef{}, lambda.Errorf(lambda.KindNotFound, "Resource not found: %.256s", arn)
	}
	return c.own(arn)
}

// revisionID is the RevisionId of the query; nil if there is none.
func (c *call) revisionID() *string {
	if id := c.query("RevisionId"); id != "" {
		return &id
	}
	return nil
}

func (c *call) policy(p *lambda.Policy) error {
	return c.json(http.StatusOK, api.PolicyAnswer{Policy: p.Document, RevisionId: p.RevisionID})
}
