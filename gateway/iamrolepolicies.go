package gateway

import (
	"maps"
	"slices"
	"strings"

	"thaw.dev/thaw/api"
)

var rolePolicyActions = map[string]queryAction{
	"PutRolePolicy":            {(*call).putRolePolicy, onRole},
	"GetRolePolicy":            {(*call).getRolePolicy, onRole},
	"ListRolePolicies":         {(*call).listRolePolicies, onRole},
	"DeleteRolePolicy":         {(*call).deleteRolePolicy, onRole},
	"AttachRolePolicy":         {(*call).attachRolePolicy, onRole},
	"DetachRolePolicy":         {(*call).detachRolePolicy, onRole},
	"ListAttachedRolePolicies": {(*call).listAttachedRolePolicies, onRole},
}

func (c *call) putRolePolicy(f form) (any, error) {
	return nil, c.iam.PutRolePolicy(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.get("PolicyName"), f.get("PolicyDocument"))
}

func (c *call) getRolePolicy(f form) (any, error) {
	document, err := c.iam.GetRolePolicy(c.caller.AccountID, f.get("RoleName"), f.get("PolicyName"))
	if err != nil {
		return nil, err
	}
	return api.RolePolicyResult{RoleName: f.get("RoleName"), PolicyName: f.get("PolicyName"), PolicyDocument: api.QueryDocument(document)}, nil
}

func (c *call) listRolePolicies(f form) (any, error) {
	r, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName"))
	if err != nil {
		return nil, err
	}
	list, page, err := part(f, slices.Sorted(maps.Keys(r.Inline)), func(name string) string { return name })
	return api.ListRolePoliciesResult{PolicyNames: list, IAMPage: page}, err
}

func (c *call) deleteRolePolicy(f form) (any, error) {
	return nil, c.iam.DeleteRolePolicy(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.get("PolicyName"))
}

func (c *call) attachRolePolicy(f form) (any, error) {
	return nil, c.iam.AttachRolePolicy(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.get("PolicyArn"))
}

func (c *call) detachRolePolicy(f form) (any, error) {
	return nil, c.iam.DetachRolePolicy(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.get("PolicyArn"))
}

func (c *call) listAttachedRolePolicies(f form) (any, error) {
	r, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName"))
	if err != nil {
		return nil, err
	}
	list := []api.AttachedPolicy{}
	for _, arn := range r.Attached { // sorted
		if path := arn[strings.Index(arn, ":policy/")+len(":policy"):]; strings.HasPrefix(path, f.get("PathPrefix")) {
			list = append(list, api.AttachedPolicy{PolicyName: path[strings.LastIndexByte(path, '/')+1:], PolicyArn: arn})
		}
	}
	list, page, err := part(f, list, func(p api.AttachedPolicy) string { return p.PolicyArn })
	return api.ListAttachedRolePoliciesResult{AttachedPolicies: list, IAMPage: page}, err
}
