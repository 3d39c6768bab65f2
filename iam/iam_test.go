package iam_test

import (
	"errors"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

const (
	mine   = "000000000000"
	theirs = "111111111111"

	lambdaTrust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	rootTrust   = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::000000000000:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"x"}}}]}`
	theirTrust  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"111111111111"},"Action":"sts:AssumeRole"}]}`
	readAll     = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"lambda:Get*","Resource":"*"}]}`
)

func open(t *testing.T, dir string) (d *iam.Directory, done func()) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	sessions, err := auth.OpenSessions(filepath.Join(dir, "session.key"))
	if err != nil {
		t.Fatal(err)
	}
	return iam.New(iam.Options{Records: s.Records(), Sessions: sessions, Region: "us-east-1"}), func() { _ = s.Close() }
}

func root(account string) auth.Identity {
	return auth.Identity{AccountID: account, ARN: "arn:aws:iam::" + account + ":root", UserID: account, AccessKeyID: "AKIA"}
}

// of is the identity that a session is.
func of(a iam.Assumed, role, restriction string) auth.Identity {
	return auth.Identity{AccountID: mine, ARN: a.ARN, UserID: a.UserID, Role: role, Policy: restriction, AccessKeyID: a.AccessKeyID, Token: a.SessionToken}
}

func code(err error) string {
	if e, ok := errors.AsType[*iam.Error](err); ok {
		return e.Code
	}
	if err != nil {
		return err.Error()
	}
	return ""
}

func TestRolesAndTheirSessions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d, done := open(t, dir)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	role, err := d.CreateRole(ctx, mine, iam.Role{Name: "App", Trust: rootTrust})
	must(err)
	must(d.PutRolePolicy(ctx, mine, "app", "read", readAll))
	_, err = d.Assume(root(mine), iam.AssumeRole{RoleARN: role.ARN, Session: "me"})
	if code(err) != iam.CodeAccessDenied {
		t.Errorf("without the external id: %v", err)
	}
	in := iam.AssumeRole{RoleARN: role.ARN, Session: "me", ExternalID: "x"}
	assumed, err := d.Assume(root(mine), in)
	must(err)
	if _, err := d.Assume(root(theirs), in); code(err) != iam.CodeAccessDenied {
		t.Errorf("another account: %v", err)
	}
	in.Seconds = 7200
	if _, err := d.Assume(root(mine), in); code(err) != iam.CodeValidation {
		t.Errorf("longer than the role allows: %v", err)
	}
	decide := func(d *iam.Directory, id auth.Identity, action string) policy.Decision {
		return d.Decide(id, &policy.Request{Action: action, Resource: "arn:aws:lambda:us-east-1:" + mine + ":function:f"})
	}
	me := of(assumed, role.ARN, "")
	check := func(d *iam.Directory, action string, want policy.Decision) {
		t.Helper()
		if got := decide(d, me, action); got != want {
			t.Errorf("%s: %v, want %v", action, got, want)
		}
	}
	check(d, "lambda:GetFunction", policy.Allow)
	check(d, "lambda:InvokeFunction", policy.Neither)
	must(d.AttachRolePolicy(ctx, mine, "App", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"))
	check(d, "lambda:InvokeFunction", policy.Allow)
	restricted := of(assumed, role.ARN, readAll)
	if got := decide(d, restricted, "lambda:InvokeFunction"); got != policy.Neither {
		t.Errorf("beyond the session's policy: %v", got)
	}
	if got := decide(d, restricted, "lambda:GetFunction"); got != policy.Allow {
		t.Errorf("within the session's policy: %v", got)
	}

	done()
	d, done = open(t, dir) // another start
	defer done()
	check(d, "lambda:InvokeFunction", policy.Allow)
	if err := d.DeleteRole(ctx, mine, "App"); code(err) != iam.CodeDeleteConflict {
		t.Errorf("a role with policies was deleted: %v", err)
	}
	must(d.DetachRolePolicy(ctx, mine, "App", "arn:aws:iam::aws:policy/service-role/AWSLambdaRole"))
	must(d.DeleteRolePolicy(ctx, mine, "App", "read"))
	must(d.DeleteRole(ctx, mine, "App"))
	check(d, "lambda:GetFunction", policy.Neither)
	_, err = d.CreateRole(ctx, mine, iam.Role{Name: "App", Trust: lambdaTrust})
	must(err)
	must(d.PutRolePolicy(ctx, mine, "App", "read", readAll))
	check(d, "lambda:GetFunction", policy.Neither) // of another role by that name

	_, err = d.CreateRole(ctx, mine, iam.Role{Name: "shared", Trust: theirTrust})
	must(err)
	if _, err := d.Assume(root(theirs), iam.AssumeRole{RoleARN: "arn:aws:iam::" + mine + ":role/shared", Session: "me"}); err != nil {
		t.Errorf("an account that is trusted: %v", err)
	}
}

func TestPolicies(t *testing.T) {
	t.Parallel()
	d, done := open(t, t.TempDir())
	defer done()
	ctx := t.Context()
	p, err := d.CreatePolicy(ctx, mine, iam.Policy{Name: "p", Path: "/x/"}, readAll)
	if err != nil || p.ARN != "arn:aws:iam::"+mine+":policy/x/p" {
		t.Fatalf("%+v, %v", p, err)
	}
	if _, err := d.CreateRole(ctx, mine, iam.Role{Name: "r", Trust: lambdaTrust}); err != nil {
		t.Fatal(err)
	}
	version := func(_ iam.Version, err error) error { return err }
	get := func(_ iam.Policy, err error) error { return err }
	role := func(_ iam.Role, err error) error { return err }
	for _, c := range []struct {
		name string
		err  error
		want string
	}{
		{"attach", d.AttachRolePolicy(ctx, mine, "r", p.ARN), ""},
		{"attached", d.DeletePolicy(ctx, mine, p.ARN), iam.CodeDeleteConflict},
		{"version", version(d.CreatePolicyVersion(ctx, mine, p.ARN, readAll, true)), ""},
		{"default version", d.DeletePolicyVersion(ctx, mine, p.ARN, "v2"), iam.CodeDeleteConflict},
		{"no version", d.SetDefaultPolicyVersion(ctx, mine, p.ARN, "v9"), iam.CodeNoSuchEntity},
		{"detach", d.DetachRolePolicy(ctx, mine, "r", p.ARN), ""},
		{"two versions", d.DeletePolicy(ctx, mine, p.ARN), iam.CodeDeleteConflict},
		{"old version", d.DeletePolicyVersion(ctx, mine, p.ARN, "v1"), ""},
		{"another account's", get(d.GetPolicy(theirs, p.ARN)), iam.CodeNoSuchEntity},
		{"twice", get(d.CreatePolicy(ctx, mine, iam.Policy{Name: "P"}, readAll)), iam.CodeExists},
		{"malformed", get(d.CreatePolicy(ctx, mine, iam.Policy{Name: "q"}, "{}")), iam.CodeMalformedPolicy},
		{"of AWS", d.DeletePolicy(ctx, mine, "arn:aws:iam::aws:policy/AdministratorAccess"), iam.CodeAccessDenied},
		{"attach nothing", d.AttachRolePolicy(ctx, mine, "r", "arn:aws:iam::aws:policy/Nope"), iam.CodeNoSuchEntity},
		{"role twice", role(d.CreateRole(ctx, mine, iam.Role{Name: "R", Trust: lambdaTrust})), iam.CodeExists},
		{"role's name", role(d.CreateRole(ctx, mine, iam.Role{Name: "a/b", Trust: lambdaTrust})), iam.CodeValidation},
		{"trust", role(d.CreateRole(ctx, mine, iam.Role{Name: "t", Trust: readAll})), iam.CodeMalformedPolicy},
		{"no role", d.DeleteRole(ctx, theirs, "r"), iam.CodeNoSuchEntity},
		{"delete", d.DeletePolicy(ctx, mine, p.ARN), ""},
	} {
		if got := code(c.err); got != c.want {
			t.Errorf("%s: %v, want %q", c.name, c.err, c.want)
		}
	}
}

// TestExecutionRoles: which roles functions may have, and what one without a known role may do.
func TestExecutionRoles(t *testing.T) {
	t.Parallel()
	d, done := open(t, t.TempDir())
	defer done()
	for name, trust := range map[string]string{"good": lambdaTrust, "people": rootTrust} {
		if _, err := d.CreateRole(t.Context(), mine, iam.Role{Name: name, Trust: trust}); err != nil {
			t.Fatal(err)
		}
	}
	arn := func(account, name string) string { return "arn:aws:iam::" + account + ":role/" + name }
	for role, want := range map[string][2]bool{ // without and with --require-roles
		arn(mine, "good"): {true, true}, arn(mine, "people"): {false, false}, arn(mine, "none"): {true, false},
		arn(theirs, "good"): {true, false}, arn(mine, "path/good"): {true, false},
	} {
		for i, ok := range want {
			if err := d.CheckExecutionRole(mine, role, i == 1); (err == nil) != ok {
				t.Errorf("%s, required %v: %v", role, i == 1, err)
			}
		}
	}
}

func TestManagedPoliciesAreValid(t *testing.T) {
	t.Parallel()
	d, done := open(t, t.TempDir())
	defer done()
	for _, p := range d.ListPolicies(mine, "", false, true) {
		if _, err := policy.Parse([]byte(p.Document()), policy.Identity); err != nil {
			t.Errorf("%s: %v", p.ARN, err)
		}
	}
}
