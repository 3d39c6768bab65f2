package api

// CallerIdentity is the result of STS GetCallerIdentity.
type CallerIdentity struct {
	Arn     string
	UserID  string `xml:"UserId"`
	Account string
}

// SessionCredentials are the credentials in results of STS.
type SessionCredentials struct {
	AccessKeyID     string `xml:"AccessKeyId"`
	SecretAccessKey string
	SessionToken    string
	Expiration      string // QueryTime
}

// AssumeRoleResult is the result of STS AssumeRole.
type AssumeRoleResult struct {
	Credentials     SessionCredentials
	AssumedRoleUser struct {
		AssumedRoleID string `xml:"AssumedRoleId"`
		Arn           string
	}
	PackedPolicySize *int // percent; nil without a session policy
}

// GetSessionTokenResult is the result of STS GetSessionToken.
type GetSessionTokenResult struct {
	Credentials SessionCredentials
}
