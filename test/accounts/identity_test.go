package accounts_test

const (
	noEntity = "404 NoSuchEntity"
	trust    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"{account}","Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	grants   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:*","Resource":"*"}]}`
	policy   = "arn:aws:iam::{account}:policy/p"
)

// stsRequests and iamRequests are the actions of STS and IAM. Their bodies are forms.
var (
	iamRequests = []request{
		{op: "GetUser", other: none, reads: true},
		{op: "CreateRole", other: itsOwn, body: "RoleName=r&AssumeRolePolicyDocument=" + trust},
		{op: "UpdateRole", body: "RoleName=r&Description=of+{account}"},
		{op: "UpdateRoleDescription", body: "RoleName=r&Description=of+{account}"},
		{op: "UpdateAssumeRolePolicy", body: "RoleName=r&PolicyDocument=" + trust},
		{op: "GetRole", body: "RoleName=r", reads: true},
		{op: "ListRoles", other: none, reads: true},
		{op: "TagRole", body: "RoleName=r&Tags.member.1.Key=of&Tags.member.1.Value={account}"},
		{op: "ListRoleTags", body: "RoleName=r", reads: true},
		{op: "ListInstanceProfilesForRole", body: "RoleName=r", reads: true},
		{op: "PutRolePolicy", body: "RoleName=r&PolicyName=i&PolicyDocument=" + grants},
		{op: "GetRolePolicy", body: "RoleName=r&PolicyName=i", reads: true},
		{op: "ListRolePolicies", body: "RoleName=r", reads: true},
		{op: "CreatePolicy", other: itsOwn, body: "PolicyName=p&PolicyDocument=" + grants},
		{op: "CreatePolicyVersion", body: "PolicyArn=" + policy + "&PolicyDocument=" + grants},
		{op: "SetDefaultPolicyVersion", body: "PolicyArn=" + policy + "&VersionId=v2"},
		{op: "GetPolicy", body: "PolicyArn=" + policy, reads: true},
		{op: "GetPolicyVersion", body: "PolicyArn=" + policy + "&VersionId=v1", reads: true},
		{op: "ListPolicies", body: "Scope=Local", other: none, reads: true},
		{op: "ListPolicyVersions", body: "PolicyArn=" + policy, reads: true},
		{op: "ListPolicyTags", body: "PolicyArn=" + policy, reads: true},
		{op: "AttachRolePolicy", body: "RoleName=r&PolicyArn=" + policy},
		{op: "ListAttachedRolePolicies", body: "RoleName=r", reads: true},

		{op: "UntagRole", body: "RoleName=r&TagKeys.member.1=of", last: true},
		{op: "DetachRolePolicy", body: "RoleName=r&PolicyArn=" + policy, last: true},
		{op: "DeleteRolePolicy", body: "RoleName=r&PolicyName=i", last: true},
		{op: "DeletePolicyVersion", body: "PolicyArn=" + policy + "&VersionId=v1", last: true},
		{op: "DeletePolicy", body: "PolicyArn=" + policy, last: true},
		{op: "DeleteRole", body: "RoleName=r", last: true},
	}
	stsRequests = []request{
		{op: "GetCallerIdentity", other: none},
		{op: "GetSessionToken", other: none},
		{op: "AssumeRole", other: "403 AccessDenied", body: "RoleArn=arn:aws:iam::{account}:role/r&RoleSessionName=session"},
		// No server has the identity providers that these are about.
		{op: "AssumeRoleWithWebIdentity", status: 403, other: "403 AccessDenied", body: "RoleArn=arn:aws:iam::{account}:role/r&RoleSessionName=session&WebIdentityToken=t"},
		{op: "AssumeRoleWithSAML", status: 403, other: "403 AccessDenied", body: "RoleArn=arn:aws:iam::{account}:role/r&PrincipalArn=p&SAMLAssertion=a"},
	}
)
