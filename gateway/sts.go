package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/iam"
)

// stsActions are the actions of STS. None needs a permission but AssumeRole, which the role's trust policy gives.
var stsActions = map[string]queryAction{
	"GetCallerIdentity":         {do: (*call).getCallerIdentity},
	"AssumeRole":                {do: (*call).assumeRole},
	"GetSessionToken":           {do: (*call).getSessionToken},
	"AssumeRoleWithWebIdentity": {do: (*call).refuseIdentityProvider},
	"AssumeRoleWithSAML":        {do: (*call).refuseIdentityProvider},
}

func (c *call) getCallerIdentity(form) (any, error) {
	return api.CallerIdentity{Arn: c.caller.ARN, UserID: c.caller.UserID, Account: c.caller.AccountID}, nil
}

func (c *call) assumeRole(f form) (any, error) {
	if err := f.refuseMembers("PolicyArns", "Tags", "TransitiveTagKeys", "SerialNumber", "TokenCode", "SourceIdentity", "ProvidedContexts"); err != nil {
		return nil, err
	}
	in := iam.AssumeRole{RoleARN: f.get("RoleArn"), Session: f.get("RoleSessionName"), Policy: f.get("Policy"), ExternalID: f.get("ExternalId")}
	seconds, err := f.number("DurationSeconds")
	if err != nil {
		return nil, err
	}
	if seconds != nil {
		if in.Seconds = *seconds; in.Seconds == 0 {
			in.Seconds = -1 // 0 was said, and is not the default
		}
	}
	assumed, err := c.iam.Assume(c.caller, in)
	if err != nil {
		return nil, err
	}
	out := api.AssumeRoleResult{Credentials: credentials(assumed.Credentials)}
	out.AssumedRoleUser.Arn, out.AssumedRoleUser.AssumedRoleID = assumed.ARN, assumed.UserID
	if in.Policy != "" {
		percent := (len(in.Policy)*100 + iam.MaxSessionPolicy - 1) / iam.MaxSessionPolicy
		out.PackedPolicySize = &percent
	}
	return out, nil
}

func (c *call) getSessionToken(f form) (any, error) {
	if err := f.refuseMembers("SerialNumber", "TokenCode"); err != nil {
		return nil, err
	}
	seconds, err := f.number("DurationSeconds")
	if err != nil {
		return nil, err
	}
	if seconds == nil {
		seconds = new(int)
	}
	made, err := c.iam.SessionToken(c.caller, *seconds)
	if err != nil {
		return nil, err
	}
	return api.GetSessionTokenResult{Credentials: credentials(made)}, nil
}

// refuseIdentityProvider answers the actions that need a provider of identities, of which Thaw knows none.
func (c *call) refuseIdentityProvider(form) (any, error) {
	return nil, &iam.Error{Code: iam.CodeAccessDenied, Message: "Thaw has no identity providers: use AssumeRole with an access key"}
}

func credentials(c auth.Credentials) api.SessionCredentials {
	return api.SessionCredentials{
		AccessKeyID: c.AccessKeyID, SecretAccessKey: c.SecretAccessKey, SessionToken: c.SessionToken, Expiration: api.QueryTime(c.Expiration),
	}
}
