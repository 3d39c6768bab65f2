package control_test

import (
	"strings"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// permission is one of everybody with the statement id sid.
func permission(sid string) control.Permission {
	return control.Permission{StatementID: sid, Action: "lambda:InvokeFunction", Principal: "*"}
}

// The table of AWS's forms of statements.
func TestPermissionForms(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 1)
		head := func(sid, principal, action, qualifier string) string {
			return `{"Sid":"` + sid + `","Effect":"Allow","Principal":` + principal + `,"Action":"` + action + `","Resource":"` + lambda.FunctionARN("us-east-1", account, "f", qualifier) + `"`
		}
		for i, c := range []struct {
			qualifier string
			in        control.Permission
			want      string // behind the members that all have
			principal string
			action    string
		}{
			{"", control.Permission{Principal: "s3.amazonaws.com", SourceARN: "arn:aws:s3:::b", SourceAccount: "222222222222"}, `,"Condition":{"StringEquals":{"AWS:SourceAccount":"222222222222"},"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}`, `{"Service":"s3.amazonaws.com"}`, ""},
			{"", control.Permission{Principal: "222222222222"}, `}`, `{"AWS":"arn:aws:iam::222222222222:root"}`, ""},
			{"1", control.Permission{Principal: "arn:aws:iam::222222222222:role/x"}, `}`, `{"AWS":"arn:aws:iam::222222222222:role/x"}`, ""},
			{"", control.Permission{Principal: "*", FunctionURLAuthType: "NONE"}, `,"Condition":{"StringEquals":{"lambda:FunctionUrlAuthType":"NONE"}}}`, `"*"`, "lambda:InvokeFunctionUrl"},
			{"", control.Permission{Principal: "*", InvokedViaFunctionURL: ptr(true)}, `,"Condition":{"Bool":{"lambda:InvokedViaFunctionUrl":"true"}}}`, `"*"`, ""},
			{"", control.Permission{Principal: "*", PrincipalOrgID: "o-a1b2c3d4e5"}, `,"Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-a1b2c3d4e5"}}}`, `"*"`, ""},
			{"", control.Permission{Principal: "alexa-appkit.amazon.com", EventSourceToken: "amzn1.x"}, `,"Condition":{"StringEquals":{"lambda:EventSourceToken":"amzn1.x"}}}`, `{"Service":"alexa-appkit.amazon.com"}`, ""},
		} {
			if c.action == "" {
				c.action = "lambda:InvokeFunction"
			}
			c.in.StatementID, c.in.Action = "s"+string(rune('0'+i)), c.action
			got, err := p.AddPermission(t.Context(), account, "f", c.qualifier, c.in, nil)
			if want := head(c.in.StatementID, c.principal, c.action, c.qualifier) + c.want; err != nil || got != want {
				t.Errorf("got  %s, %v\nwant %s", got, err, want)
			}
			have, err := p.PolicyText(account, "f", c.qualifier)
			if err != nil || !strings.Contains(have.Document, got) || !strings.HasPrefix(have.Document, `{"Version":"2012-10-17","Id":"default","Statement":[`) {
				t.Errorf("policy %+v, %v", have, err)
			}
			if d, err := p.Policy(account, "f", c.qualifier); err != nil || d.String() != have.Document {
				t.Errorf("decides %v, %v", d, err)
			}
		}
	})
}

func TestPermissionsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 1)
		p.createAlias(t, alias("live", "1", nil))
		add := func(qualifier string, in control.Permission) error {
			_, err := p.AddPermission(t.Context(), account, "f", qualifier, in, nil)
			return err
		}
		if err := add("", permission("a")); err != nil {
			t.Fatal(err)
		}
		for what, c := range map[string]struct {
			err  error
			kind lambda.Kind
		}{
			"used id":            {add("", permission("a")), lambda.KindConflict},
			"bad principal":      {add("", control.Permission{StatementID: "b", Action: "*", Principal: "me"}), lambda.KindInvalid},
			"URL type elsewhere": {add("", control.Permission{StatementID: "b", Action: "lambda:InvokeFunction", Principal: "*", FunctionURLAuthType: "NONE"}), lambda.KindInvalid},
			"via URL elsewhere":  {add("", control.Permission{StatementID: "b", Action: "lambda:GetFunction", Principal: "*", InvokedViaFunctionURL: ptr(true)}), lambda.KindInvalid},
			"$LATEST":            {add(lambda.Latest, permission("b")), lambda.KindInvalid},
			"no such version":    {add("7", permission("b")), lambda.KindNotFound},
			"no such alias":      {add("dead", permission("b")), lambda.KindNotFound},
			"no such statement":  {p.RemovePermission(t.Context(), account, "f", "", "z", nil), lambda.KindNotFound},
			"no policy":          {p.RemovePermission(t.Context(), account, "f", "live", "a", nil), lambda.KindNotFound},
			"nothing to delete":  {p.DeletePolicy(t.Context(), account, "f", "live", nil), lambda.KindNotFound},
			"other revision":     {p.RemovePermission(t.Context(), account, "f", "", "a", ptr("other")), lambda.KindPrecondition},
		} {
			if c.err == nil || lambda.KindOf(c.err) != c.kind {
				t.Errorf("%s: %v", what, c.err)
			}
		}
		if _, err := p.PolicyText(account, "f", "live"); lambda.KindOf(err) != lambda.KindNotFound {
			t.Errorf("policy of an alias without one: %v", err)
		}
	})
}

// Revisions: the policy's own, or its bearer's, which a change of the policy changes, too.
func TestPolicyRevisions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 1)
		a := p.createAlias(t, alias("live", "1", nil))
		for _, c := range []struct{ qualifier, revision string }{{"", p.get(t, "f").Config.RevisionID}, {"live", a.RevisionID}} {
			if _, err := p.AddPermission(t.Context(), account, "f", c.qualifier, permission("a"), &c.revision); err != nil {
				t.Fatal(err)
			}
			have, err := p.PolicyText(account, "f", c.qualifier)
			if err != nil || have.RevisionID == c.revision {
				t.Fatalf("%+v, %v", have, err)
			}
			if _, err := p.AddPermission(t.Context(), account, "f", c.qualifier, permission("b"), &c.revision); lambda.KindOf(err) != lambda.KindPrecondition {
				t.Errorf("with an old revision: %v", err)
			}
			if err := p.RemovePermission(t.Context(), account, "f", c.qualifier, "a", &have.RevisionID); err != nil {
				t.Error(err)
			}
			if _, err := p.PolicyText(account, "f", c.qualifier); lambda.KindOf(err) != lambda.KindNotFound {
				t.Errorf("a policy without statements: %v", err)
			}
		}
	})
}

func TestPutPolicy(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		arn := lambda.FunctionARN("us-east-1", account, "f", "")
		document := func(resource string) string {
			return `{"Version":"2012-10-17","Statement":[{"Sid":"x","Effect":"Deny","Principal":"*","Action":"lambda:*","Resource":"` + resource + `"}]}`
		}
		if _, err := p.AddPermission(t.Context(), account, "f", "", permission("a"), nil); err != nil {
			t.Fatal(err)
		}
		got, err := p.PutPolicy(t.Context(), account, "f", "", document(arn), nil)
		if err != nil || got.Document != document(arn) || got.RevisionID == "" {
			t.Errorf("put %+v, %v", got, err)
		}
		for _, text := range []string{document("*"), document(arn + ":1"), `{}`, `{`} {
			if _, err := p.PutPolicy(t.Context(), account, "f", "", text, nil); lambda.KindOf(err) != lambda.KindInvalid {
				t.Errorf("%s: %v", text, err)
			}
		}
		long := strings.Replace(document(arn), `"Sid"`, `"Condition":{"StringEquals":{"aws:userid":"`+strings.Repeat("x", lambda.MaxPolicyBytes)+`"}},"Sid"`, 1)
		for _, text := range []string{long, strings.Repeat(long, 4)} {
			if _, err := p.PutPolicy(t.Context(), account, "f", "", text, nil); lambda.KindOf(err) != lambda.KindPolicyLength {
				t.Errorf("a long policy: %v", err)
			}
		}
		if err := p.DeletePolicy(t.Context(), account, "f", "", &got.RevisionID); err != nil {
			t.Error(err)
		}
		if d, err := p.Policy(account, "f", ""); d != nil || err != nil {
			t.Errorf("left %v, %v", d, err)
		}
	})
}

func TestPolicyLength(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		var err error
		for i := 0; i < 1000 && err == nil; i++ {
			in := permission(strings.Repeat("s", 90) + string(rune('a'+i%26)) + string(rune('a'+i/26)))
			_, err = p.AddPermission(t.Context(), account, "f", "", in, nil)
		}
		if lambda.KindOf(err) != lambda.KindPolicyLength {
			t.Errorf("got %v", err)
		}
		if have, err := p.PolicyText(account, "f", ""); err != nil || len(have.Document) > lambda.MaxPolicyBytes || len(have.Document) < lambda.MaxPolicyBytes-400 {
			t.Errorf("%d bytes, %v", len(have.Document), err)
		}
	})
}

// What is set for a version or an alias goes with it.
func TestSettingsEndWithTheirQualifier(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 2)
		p.createAlias(t, alias("live", "2", nil))
		for _, q := range []string{"1", "live"} {
			if _, err := p.AddPermission(t.Context(), account, "f", q, permission("a"), nil); err != nil {
				t.Fatal(err)
			}
		}
		u, err := p.CreateURL(t.Context(), control.URLInput{Account: account, Name: "f", Qualifier: "live", AuthType: ptr("NONE")})
		if err != nil {
			t.Fatal(err)
		}
		if err := p.DeleteVersion(t.Context(), account, "f", "1"); err != nil {
			t.Fatal(err)
		}
		if err := p.DeleteAlias(t.Context(), account, "f", "live"); err != nil {
			t.Fatal(err)
		}
		if got := p.get(t, "f").Qualified; got != nil {
			t.Errorf("left %+v", got)
		}
		if got, ok := p.FindURL(u.ID); ok {
			t.Errorf("found %+v", got)
		}
	})
}
