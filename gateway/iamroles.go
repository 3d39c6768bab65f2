package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/iam"
)

var roleActions = map[string]queryAction{
	"CreateRole":                  {(*call).createRole, onRole},
	"GetRole":                     {(*call).getRole, onRole},
	"ListRoles":                   {(*call).listRoles, onAnything},
	"UpdateRole":                  {(*call).updateRole, onRole},
	"UpdateRoleDescription":       {(*call).updateRole, onRole},
	"UpdateAssumeRolePolicy":      {(*call).updateAssumeRolePolicy, onRole},
	"DeleteRole":                  {(*call).deleteRole, onRole},
	"TagRole":                     {(*call).tagRole, onRole},
	"UntagRole":                   {(*call).untagRole, onRole},
	"ListRoleTags":                {(*call).listRoleTags, onRole},
	"ListInstanceProfilesForRole": {(*call).listInstanceProfilesForRole, onRole},
}

// role writes a role as the API has it; complete adds what lists leave out.
func role(r iam.Role, complete bool) api.IAMRole {
	out := api.IAMRole{
		Path: r.Path, RoleName: r.Name, RoleID: r.ID, Arn: r.ARN, CreateDate: api.QueryTime(r.Created),
		AssumeRolePolicyDocument: api.QueryDocument(r.Trust), Description: r.Description, MaxSessionDuration: r.MaxSession,
	}
	if complete {
		out.RoleLastUsed = &struct{}{}
		if len(r.Tags) > 0 {
			tags := tagList(r.Tags)
			out.Tags = &tags
		}
	}
	return out
}

func (c *call) createRole(f form) (any, error) {
	if err := f.refuseMembers("PermissionsBoundary"); err != nil {
		return nil, err
	}
	seconds, err := f.number("MaxSessionDuration")
	if err != nil {
		return nil, err
	}
	in := iam.Role{
		Name: f.get("RoleName"), Path: f.get("Path"), Description: f.get("Description"), Trust: f.get("AssumeRolePolicyDocument"), Tags: f.tags(),
	}
	if seconds != nil {
		in.MaxSession = *seconds
	}
	made, err := c.iam.CreateRole(c.r.Context(), c.caller.AccountID, in)
	if err != nil {
		return nil, err
	}
	return api.RoleResult{Role: role(made, true)}, nil
}

func (c *call) getRole(f form) (any, error) {
	r, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName"))
	if err != nil {
		return nil, err
	}
	return api.RoleResult{Role: role(r, true)}, nil
}

func (c *call) listRoles(f form) (any, error) {
	list, page, err := part(f, c.iam.ListRoles(c.caller.AccountID, f.get("PathPrefix")), func(r iam.Role) string { return r.Name })
	if err != nil {
		return nil, err
	}
	out := api.ListRolesResult{IAMPage: page}
	for _, r := range list {
		out.Roles = append(out.Roles, role(r, false))
	}
	return out, nil
}

func (c *call) updateRole(f form) (any, error) {
	seconds, err := f.number("MaxSessionDuration")
	if err != nil {
		return nil, err
	}
	account, name := c.caller.AccountID, f.get("RoleName")
	if err := c.iam.UpdateRole(c.r.Context(), account, name, f.text("Description"), seconds); err != nil {
		return nil, err
	}
	if f.get("Action") == "UpdateRole" {
		return struct{}{}, nil
	}
	return c.getRole(f)
}

func (c *call) updateAssumeRolePolicy(f form) (any, error) {
	return nil, c.iam.UpdateTrust(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.get("PolicyDocument"))
}

func (c *call) deleteRole(f form) (any, error) {
	return nil, c.iam.DeleteRole(c.r.Context(), c.caller.AccountID, f.get("RoleName"))
}

func (c *call) tagRole(f form) (any, error) {
	return nil, c.iam.TagRole(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.tags())
}

func (c *call) untagRole(f form) (any, error) {
	return nil, c.iam.UntagRole(c.r.Context(), c.caller.AccountID, f.get("RoleName"), f.list("TagKeys"))
}

func (c *call) listRoleTags(f form) (any, error) {
	r, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName"))
	if err != nil {
		return nil, err
	}
	list, page, err := part(f, tagList(r.Tags), func(t api.IAMTag) string { return t.Key })
	return api.ListTagsResult{Tags: list, IAMPage: page}, err
}

// listInstanceProfilesForRole answers what tools ask before they delete a role: there are no instances here.
func (c *call) listInstanceProfilesForRole(f form) (any, error) {
	_, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName"))
	return api.ListInstanceProfilesResult{}, err
}
