package api

// Shapes of IAM's results. Source: IAM API reference.

// IAMTag is a tag of a role or policy.
type IAMTag struct {
	Key   string
	Value string
}

// IAMRole is a role.
type IAMRole struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string // QueryDocument
	Description              string `xml:",omitempty"`
	MaxSessionDuration       int
	Tags                     *QueryList[IAMTag]
	RoleLastUsed             *struct{}
}

// RoleResult is the result of CreateRole and GetRole.
type RoleResult struct{ Role IAMRole }

// IAMPage says whether a list goes on.
type IAMPage struct {
	IsTruncated bool
	Marker      string `xml:",omitempty"`
}

// ListRolesResult is the result of ListRoles.
type ListRolesResult struct {
	Roles QueryList[IAMRole]
	IAMPage
}

// RolePolicyResult is the result of GetRolePolicy.
type RolePolicyResult struct {
	RoleName       string
	PolicyName     string
	PolicyDocument string // QueryDocument
}

// ListRolePoliciesResult is the result of ListRolePolicies.
type ListRolePoliciesResult struct {
	PolicyNames QueryList[string]
	IAMPage
}

// AttachedPolicy names a policy that a role has.
type AttachedPolicy struct {
	PolicyName string
	PolicyArn  string
}

// ListAttachedRolePoliciesResult is the result of ListAttachedRolePolicies.
type ListAttachedRolePoliciesResult struct {
	AttachedPolicies QueryList[AttachedPolicy]
	IAMPage
}

// ListInstanceProfilesResult is the result of ListInstanceProfilesForRole, always empty.
type ListInstanceProfilesResult struct {
	InstanceProfiles QueryList[struct{}]
	IAMPage
}

// ListTagsResult is the result of ListRoleTags and ListPolicyTags.
type ListTagsResult struct {
	Tags QueryList[IAMTag]
	IAMPage
}

// IAMPolicy is a managed policy.
type IAMPolicy struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
	Tags                          *QueryList[IAMTag]
}

// PolicyResult is the result of CreatePolicy and GetPolicy.
type PolicyResult struct{ Policy IAMPolicy }

// ListPoliciesResult is the result of ListPolicies.
type ListPoliciesResult struct {
	Policies QueryList[IAMPolicy]
	IAMPage
}

// IAMPolicyVersion is a version of a managed policy.
type IAMPolicyVersion struct {
	Document         string `xml:",omitempty"` // QueryDocument
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

// PolicyVersionResult is the result of CreatePolicyVersion and GetPolicyVersion.
type PolicyVersionResult struct{ PolicyVersion IAMPolicyVersion }

// ListPolicyVersionsResult is the result of ListPolicyVersions.
type ListPolicyVersionsResult struct {
	Versions QueryList[IAMPolicyVersion]
	IAMPage
}

// IAMUser is a user; the only one is an account's root.
type IAMUser struct {
	Path       string
	UserName   string
	UserID     string `xml:"UserId"`
	Arn        string
	CreateDate string
}

// UserResult is the result of GetUser.
type UserResult struct{ User IAMUser }
