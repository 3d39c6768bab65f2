package gateway

import (
	"cmp"
	"slices"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/iam"
)

var policyActions = map[string]queryAction{
	"CreatePolicy":            {(*call).createPolicy, onNewPolicy},
	"GetPolicy":               {(*call).getManagedPolicy, onPolicy},
	"ListPolicies":            {(*call).listPolicies, onAnything},
	"DeletePolicy":            {(*call).deletePolicy, onPolicy},
	"ListPolicyTags":          {(*call).listPolicyTags, onPolicy},
	"CreatePolicyVersion":     {(*call).createPolicyVersion, onPolicy},
	"GetPolicyVersion":        {(*call).getPolicyVersion, onPolicy},
	"ListPolicyVersions":      {(*call).listPolicyVersions, onPolicy},
	"SetDefaultPolicyVersion": {(*call).setDefaultPolicyVersion, onPolicy},
	"DeletePolicyVersion":     {(*call).deletePolicyVersion, onPolicy},
}

// managedPolicy writes a policy as the API has it; complete adds what lists leave out.
func managedPolicy(p *iam.Policy, attached int, complete bool) api.IAMPolicy {
	out := api.IAMPolicy{
		PolicyName: p.Name, PolicyID: p.ID, Arn: p.ARN, Path: p.Path, DefaultVersionID: p.Default, AttachmentCount: attached,
		IsAttachable: true, CreateDate: api.QueryTime(p.Created), UpdateDate: api.QueryTime(p.Updated),
	}
	if complete {
		out.Description = p.Description
		tags := tagList(p.Tags)
		out.Tags = &tags
	}
	return out
}

func (c *call) createPolicy(f form) (any, error) {
	in := iam.Policy{Name: f.get("PolicyName"), Path: f.get("Path"), Description: f.get("Description"), Tags: f.tags()}
	made, err := c.iam.CreatePolicy(c.r.Context(), c.caller.AccountID, in, f.get("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	return api.PolicyResult{Policy: managedPolicy(&made, 0, true)}, nil
}

func (c *call) getManagedPolicy(f form) (any, error) {
	p, err := c.iam.GetPolicy(c.caller.AccountID, f.get("PolicyArn"))
	if err != nil {
		return nil, err
	}
	return api.PolicyResult{Policy: managedPolicy(&p, c.iam.Attachments(c.caller.AccountID)[p.ARN], true)}, nil
}

func (c *call) listPolicies(f form) (any, error) {
	scope := f.get("Scope")
	if scope != "" && scope != "All" && scope != "AWS" && scope != "Local" {
		return nil, &iam.Error{Code: iam.CodeValidation, Message: "Scope must be All, AWS or Local"}
	}
	attached := c.iam.Attachments(c.caller.AccountID)
	all := c.iam.ListPolicies(c.caller.AccountID, f.get("PathPrefix"), scope != "AWS", scope != "Local")
	if f.get("OnlyAttached") == "true" {
		all = slices.DeleteFunc(all, func(p iam.Policy) bool { return attached[p.ARN] == 0 })
	}
	slices.SortFunc(all, func(a, b iam.Policy) int { return cmp.Compare(a.ARN, b.ARN) })
	list, page, err := part(f, all, func(p iam.Policy) string { return p.ARN })
	if err != nil {
		return nil, err
	}
	out := api.ListPoliciesResult{IAMPage: page}
	for i := range list {
		out.Policies = append(out.Policies, managedPolicy(&list[i], attached[list[i].ARN], false))
	}
	return out, nil
}

func (c *call) deletePolicy(f form) (any, error) {
	return nil, c.iam.DeletePolicy(c.r.Context(), c.caller.AccountID, f.get("PolicyArn"))
}

func (c *call) listPolicyTags(f form) (any, error) {
	p, err := c.iam.GetPolicy(c.caller.AccountID, f.get("PolicyArn"))
	if err != nil {
		return nil, err
	}
	list, page, err := part(f, tagList(p.Tags), func(t api.IAMTag) string { return t.Key })
	return api.ListTagsResult{Tags: list, IAMPage: page}, err
}

func policyVersion(v iam.Version, holds bool) api.IAMPolicyVersion {
	return api.IAMPolicyVersion{VersionID: v.ID, IsDefaultVersion: holds, CreateDate: api.QueryTime(v.Created)}
}

func (c *call) createPolicyVersion(f form) (any, error) {
	hold := f.get("SetAsDefault") == "true"
	v, err := c.iam.CreatePolicyVersion(c.r.Context(), c.caller.AccountID, f.get("PolicyArn"), f.get("PolicyDocument"), hold)
	if err != nil {
		return nil, err
	}
	return api.PolicyVersionResult{PolicyVersion: policyVersion(v, hold)}, nil
}

func (c *call) getPolicyVersion(f form) (any, error) {
	p, err := c.iam.GetPolicy(c.caller.AccountID, f.get("PolicyArn"))
	if err != nil {
		return nil, err
	}
	v, err := p.Version(f.get("VersionId"))
	if err != nil {
		return nil, err
	}
	out := policyVersion(v, v.ID == p.Default)
	out.Document = api.QueryDocument(v.Document)
	return api.PolicyVersionResult{PolicyVersion: out}, nil
}

func (c *call) listPolicyVersions(f form) (any, error) {
	p, err := c.iam.GetPolicy(c.caller.AccountID, f.get("PolicyArn"))
	if err != nil {
		return nil, err
	}
	var out api.ListPolicyVersionsResult // five at most: never in parts
	for _, v := range slices.Backward(p.Versions) {
		out.Versions = append(out.Versions, policyVersion(v, v.ID == p.Default))
	}
	return out, nil
}

func (c *call) setDefaultPolicyVersion(f form) (any, error) {
	return nil, c.iam.SetDefaultPolicyVersion(c.r.Context(), c.caller.AccountID, f.get("PolicyArn"), f.get("VersionId"))
}

func (c *call) deletePolicyVersion(f form) (any, error) {
	return nil, c.iam.DeletePolicyVersion(c.r.Context(), c.caller.AccountID, f.get("PolicyArn"), f.get("VersionId"))
}
