package iam

import (
	"crypto/sha256"
	"encoding/base32"
	"regexp"
	"strings"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/policy"
)

// AssumeRole is a request to begin a session of a role.
type AssumeRole struct {
	RoleARN    string
	Session    string // its name
	Seconds    int    // 0 means an hour
	Policy     string // a document that restricts the session; "" for none
	ExternalID string
}

// Assumed is a session of a role.
type Assumed struct {
	auth.Credentials
	ARN    string // of the caller that the session is
	UserID string
}

// FunctionSession is how long the credentials of a function's environment are good.
const FunctionSession = 12 * time.Hour

// MaxSessionPolicy is the length of the longest policy of a session, in characters.
const MaxSessionPolicy = 2048

// Unassumable is what AWS Lambda says of an execution role that it may not assume; deploy tools try again when they read it.
const Unassumable = "The role defined for the function cannot be assumed by Lambda."

const (
	minSession     = 900  // seconds
	chainedSession = 3600 // seconds; the longest session that a session may begin
	rootSession    = 3600 // seconds; the longest session of an account's root
	maxExternalID  = 1224 // characters
	lambdaService  = "lambda.amazonaws.com"
	actionAssume   = "sts:AssumeRole"
)

var (
	rolePattern    = regexp.MustCompile(`^arn:aws:iam::([0-9]{12}):role/([!-~]*/)?([\w+=,.@-]{1,64})$`)
	sessionPattern = regexp.MustCompile(`^[\w+=,.@-]{2,64}$`)
)

// parseRole takes the ARN of a role apart.
func parseRole(arn string) (account, name string, ok bool) {
	m := rolePattern.FindStringSubmatch(arn)
	if m == nil {
		return "", "", false
	}
	return m[1], m[3], true
}

// unknownID is the id of what exists by its name alone: roles of functions that nobody created, policies of AWS.
func unknownID(prefix, of string) string {
	sum := sha256.Sum256([]byte(of))
	return prefix + base32.StdEncoding.EncodeToString(sum[:11])[:17]
}

// principal is who a caller is to a policy.
func principal(id auth.Identity) policy.Principal {
	return policy.Principal{Account: id.AccountID, ARN: id.ARN, Role: id.Role}
}

// Assume begins a session of a role, of this account or of another, if the role's trust policy lets the caller, and where
// AWS asks for it the caller's own policies do.
func (d *Directory) Assume(id auth.Identity, in AssumeRole) (Assumed, error) {
	account, name, ok := parseRole(in.RoleARN)
	switch {
	case !ok:
		return Assumed{}, refuse(CodeValidation, "%.200s is invalid", in.RoleARN)
	case !sessionPattern.MatchString(in.Session):
		return Assumed{}, refuse(CodeValidation, `1 validation error detected: Value at 'roleSessionName' failed to satisfy constraint: Member must satisfy regular expression pattern: [\w+=,.@-]{2,64}`)
	case len(in.ExternalID) > maxExternalID:
		return Assumed{}, refuse(CodeValidation, "1 validation error detected: Value at 'externalId' failed to satisfy constraint: Member must have length less than or equal to %d", maxExternalID)
	}
	if in.Seconds == 0 {
		in.Seconds = defaultSession
	}
	if in.Seconds < minSession || in.Seconds > maxSession {
		return Assumed{}, refuse(CodeValidation, "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and %d",
			in.Seconds, minSession, maxSession)
	}
	if in.Policy != "" {
		if err := checkDocument(in.Policy, policy.Identity, MaxSessionPolicy); err != nil {
			return Assumed{}, err
		}
	}
	role, err := d.GetRole(account, name)
	if err != nil || role.ARN != in.RoleARN || !d.trusts(&role, id, account, in) {
		return Assumed{}, refuse(CodeAccessDenied, "User: %s is not authorized to perform: %s on resource: %s", id.ARN, actionAssume, in.RoleARN)
	}
	switch {
	case in.Seconds > role.MaxSession:
		return Assumed{}, refuse(CodeValidation, "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
	case id.Role != "" && in.Seconds > chainedSession:
		return Assumed{}, refuse(CodeValidation, "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining.")
	}
	return d.begin(account, &role, in.Session, in.Policy, time.Duration(in.Seconds)*time.Second), nil
}

// trusts reports whether a caller may assume a role.
func (d *Directory) trusts(role *Role, id auth.Identity, account string, in AssumeRole) bool {
	trust, err := policy.Parse([]byte(role.Trust), policy.Trust)
	if err != nil {
		return false
	}
	r := &policy.Request{Principal: principal(id), Action: actionAssume, Resource: role.ARN, Context: policy.Context{
		"sts:RoleSessionName": {in.Session}, policy.KeyPrincipalAccount: {id.AccountID}, policy.KeyUserID: {id.UserID},
		policy.KeyCurrentTime: {time.Now().UTC().Format(time.RFC3339)}, policy.KeyPrincipalARN: {caller(id)},
	}}
	if in.ExternalID != "" {
		r.Context["sts:ExternalId"] = []string{in.ExternalID}
	}
	own := d.Decide(id, r)
	switch trust.Evaluate(r) {
	case policy.Allow: // itself; within an account nothing else is needed
		return own == policy.Allow || own == policy.Neither && account == id.AccountID && id.Policy == ""
	case policy.Delegate:
		return own == policy.Allow
	}
	return false
}

// caller is the value of aws:PrincipalArn.
func caller(id auth.Identity) string {
	if id.Role != "" {
		return id.Role
	}
	return id.ARN
}

// begin makes a session of a role.
func (d *Directory) begin(account string, role *Role, name, restriction string, life time.Duration) Assumed {
	s := auth.Session{
		AccountID: account, ARN: "arn:aws:sts::" + account + ":assumed-role/" + role.Name + "/" + name,
		UserID: role.ID + ":" + name, Role: role.ARN, Policy: restriction, Expires: time.Now().Add(life),
	}
	return Assumed{d.sessions.Issue(s), s.ARN, s.UserID}
}

// SessionToken begins a session that may do what the caller, an account's own key, may. It lasts an hour at most; longer
// ones are cut to that, as AWS does for the root of an account. 0 seconds means an hour.
func (d *Directory) SessionToken(id auth.Identity, seconds int) (auth.Credentials, error) {
	if id.Token != "" {
		return auth.Credentials{}, refuse(CodeAccessDenied, "Cannot call GetSessionToken with session credentials")
	}
	if seconds == 0 {
		seconds = rootSession
	}
	if seconds < minSession || seconds > 129600 {
		return auth.Credentials{}, refuse(CodeValidation, "1 validation error detected: Value '%d' at 'durationSeconds' failed to satisfy constraint: Member must have value between %d and 129600", seconds, minSession)
	}
	life := time.Duration(min(seconds, rootSession)) * time.Second
	return d.sessions.Issue(auth.Session{AccountID: id.AccountID, ARN: id.ARN, UserID: id.UserID, Expires: time.Now().Add(life)}), nil
}

// FunctionCredentials begins a session of the execution role of an account's function. It lasts FunctionSession. A role that
// does not exist in this account, also because its ARN is of another, or that does not let Lambda assume it any more, gives
// a session that may do what unknownRole says.
func (d *Directory) FunctionCredentials(account, role, function string) auth.Credentials {
	owner, name, _ := parseRole(role)
	r, err := d.GetRole(account, name)
	switch {
	case owner != account, err == nil && (r.ARN != role || !lambdaMayAssume(&r)):
		// Of a role by its name alone, which must not be that of one that exists.
		name = strings.TrimPrefix(role[strings.LastIndexByte(role, '/')+1:], "arn:")
		role = "arn:aws:iam::" + account + ":role/thaw-unknown/" + name
		fallthrough
	case err != nil:
		r = Role{Name: name, ARN: role, ID: unknownID("AROA", role)}
	}
	return d.begin(account, &r, function, "", FunctionSession).Credentials
}

// CheckExecutionRole returns nil if functions of the account may have the role: its trust policy lets Lambda assume it, or
// it does not exist and must is not set. The error is an *Error with AWS's words.
func (d *Directory) CheckExecutionRole(account, arn string, must bool) error {
	owner, name, _ := parseRole(arn)
	r, err := d.GetRole(account, name)
	switch known := owner == account && err == nil && r.ARN == arn; {
	case known && !lambdaMayAssume(&r), must && !known:
		return refuse(CodeInvalidInput, Unassumable)
	}
	return nil
}

func lambdaMayAssume(r *Role) bool {
	trust, err := policy.Parse([]byte(r.Trust), policy.Trust)
	return err == nil && trust.Evaluate(&policy.Request{
		Principal: policy.Principal{Service: lambdaService}, Action: actionAssume, Resource: r.ARN,
	}) == policy.Allow
}
