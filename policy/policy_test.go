package policy_test

import (
	"strings"
	"testing"

	"thaw.dev/thaw/policy"
)

const arn = "arn:aws:lambda:us-east-1:111111111111:function:f"

var (
	root    = policy.Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"}
	session = policy.Principal{Account: "111111111111", ARN: "arn:aws:sts::111111111111:assumed-role/app/s1", Role: "arn:aws:iam::111111111111:role/team/app"}
	other   = policy.Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:root"}
	s3      = policy.Principal{Service: "s3.amazonaws.com"}
	nobody  = policy.Principal{}
)

// statement returns a document with one statement that has the given members besides Effect, Action and Resource.
func statement(effect, members string) string {
	return `{"Version":"2012-10-17","Statement":{"Effect":"` + effect + `","Action":"lambda:InvokeFunction","Resource":"` + arn + `"` + members + `}}`
}

func evaluate(t *testing.T, kind policy.Kind, text string, r policy.Request) policy.Decision {
	t.Helper()
	d, err := policy.Parse([]byte(text), kind)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	if r.Action == "" {
		r.Action = "lambda:InvokeFunction"
	}
	if r.Resource == "" {
		r.Resource = arn
	}
	return d.Evaluate(&r)
}

func TestPrincipals(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		effect, member string
		who            policy.Principal
		want           policy.Decision
	}{
		{"Allow", `"Principal":"*"`, nobody, policy.Allow},
		{"Allow", `"Principal":{"AWS":"*"}`, other, policy.Allow},
		{"Allow", `"Principal":{"AWS":"222222222222"}`, other, policy.Allow},
		{"Allow", `"Principal":{"AWS":"222222222222"}`, root, policy.Neither},
		{"Allow", `"Principal":{"AWS":"222222222222"}`, nobody, policy.Neither},
		{"Allow", `"Principal":{"AWS":["333333333333","arn:aws:iam::111111111111:root"]}`, root, policy.Allow},
		{"Allow", `"Principal":{"AWS":"111111111111"}`, session, policy.Delegate},
		{"Allow", `"Principal":{"AWS":"arn:aws:iam::111111111111:role/team/app"}`, session, policy.Allow},
		{"Allow", `"Principal":{"AWS":"arn:aws:iam::111111111111:role/app"}`, session, policy.Neither},
		{"Allow", `"Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/app/s1"}`, session, policy.Allow},
		{"Allow", `"Principal":{"AWS":"arn:aws:sts::111111111111:assumed-role/app/s2"}`, session, policy.Neither},
		{"Allow", `"Principal":{"Service":"s3.amazonaws.com"}`, s3, policy.Allow},
		{"Allow", `"Principal":{"Service":"sns.amazonaws.com"}`, s3, policy.Neither},
		{"Allow", `"Principal":{"Service":"s3.amazonaws.com"}`, nobody, policy.Neither},
		{"Allow", `"Principal":{"Federated":"accounts.example.com"}`, nobody, policy.Neither},
		{"Deny", `"Principal":{"AWS":"111111111111"}`, session, policy.Deny},
		{"Deny", `"NotPrincipal":{"AWS":"111111111111"}`, session, policy.Deny},
		{"Deny", `"NotPrincipal":{"AWS":"111111111111"}`, root, policy.Neither},
		{"Deny", `"NotPrincipal":{"AWS":"arn:aws:iam::111111111111:role/team/app"}`, session, policy.Neither},
		{"Deny", `"NotPrincipal":{"AWS":"111111111111"}`, nobody, policy.Deny},
	} {
		if got := evaluate(t, policy.Resource, statement(c.effect, ","+c.member), policy.Request{Principal: c.who}); got != c.want {
			t.Errorf("%s %s for %+v: %v, want %v", c.effect, c.member, c.who, got, c.want)
		}
	}
}

func TestActionsAndResources(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		members, action, resource string
		want                      policy.Decision
	}{
		{`"Action":"*","Resource":"*"`, "lambda:InvokeFunction", arn, policy.Allow},
		{`"Action":"lambda:*","Resource":"*"`, "lambda:InvokeFunction", arn, policy.Allow},
		{`"Action":"LAMBDA:invoke*","Resource":"*"`, "lambda:InvokeFunction", arn, policy.Allow},
		{`"Action":["lambda:Get*","lambda:List?ags"],"Resource":"*"`, "lambda:ListTags", arn, policy.Allow},
		{`"Action":"lambda:Get*","Resource":"*"`, "lambda:InvokeFunction", arn, policy.Neither},
		{`"NotAction":"lambda:Get*","Resource":"*"`, "lambda:InvokeFunction", arn, policy.Allow},
		{`"NotAction":"lambda:Get*","Resource":"*"`, "lambda:GetFunction", arn, policy.Neither},
		{`"Action":"*","Resource":"` + arn + `"`, "lambda:InvokeFunction", arn + ":1", policy.Neither},
		{`"Action":"*","Resource":"` + arn + `:*"`, "lambda:InvokeFunction", arn + ":1", policy.Allow},
		{`"Action":"*","NotResource":"` + arn + `"`, "lambda:InvokeFunction", arn, policy.Neither},
		{`"Action":"*","NotResource":"` + arn + `"`, "lambda:InvokeFunction", arn + "2", policy.Allow},
		{`"Action":"*","Resource":"arn:aws:lambda:*:${aws:PrincipalAccount}:function:f"`, "lambda:GetFunction", arn, policy.Allow},
		{`"Action":"*","Resource":"arn:aws:lambda:*:*:function:${aws:PrincipalTag/none}"`, "lambda:GetFunction", arn, policy.Neither},
		{`"Action":"*","Resource":"arn:aws:lambda:*:*:function:${aws:PrincipalTag/none, 'f'}"`, "lambda:GetFunction", arn, policy.Allow},
		{`"Action":"*","NotResource":"arn:aws:lambda:*:*:function:${aws:PrincipalTag/none}"`, "lambda:GetFunction", arn, policy.Neither},
		{`"Action":"*","Resource":"${aws:userid}"`, "lambda:GetFunction", arn, policy.Neither}, // its value "*" means itself
		{`"Action":"*","Resource":"arn:aws:lambda:*:*:function:${?}"`, "lambda:GetFunction", arn, policy.Neither},
	} {
		text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + c.members + `}]}`
		r := policy.Request{Principal: session, Action: c.action, Resource: c.resource, Context: policy.Context{"aws:PrincipalAccount": {"111111111111"}, "aws:userid": {"*"}}}
		if got := evaluate(t, policy.Identity, text, r); got != c.want {
			t.Errorf("%s for %s on %s: %v, want %v", c.members, c.action, c.resource, got, c.want)
		}
	}
}

func TestConditions(t *testing.T) {
	t.Parallel()
	context := policy.Context{
		"aws:SourceArn": {"arn:aws:s3:::bucket"}, "aws:SourceAccount": {"111111111111"}, "aws:SourceIp": {"10.1.2.3"},
		"aws:CurrentTime": {"2026-03-12T10:00:00Z"}, "aws:SecureTransport": {"false"}, "aws:EpochTime": {"1773309600"},
		"aws:TagKeys": {"a", "b"}, "aws:UserAgent": {"curl/8"},
	}
	for condition, want := range map[string]bool{
		`"StringEquals":{"AWS:SourceAccount":"111111111111"}`:                                       true,
		`"StringEquals":{"aws:SourceAccount":["2","111111111111"]}`:                                 true,
		`"StringEquals":{"aws:UserAgent":"curl/*"}`:                                                 false,
		`"StringEquals":{"aws:UserAgent":"CURL/8"}`:                                                 false,
		`"StringEqualsIgnoreCase":{"aws:UserAgent":"CURL/8"}`:                                       true,
		`"StringNotEqualsIgnoreCase":{"aws:UserAgent":"CURL/8"}`:                                    false,
		`"StringNotEquals":{"aws:SourceAccount":["2","111111111111"]}`:                              false,
		`"StringNotEquals":{"aws:SourceAccount":["2","3"]}`:                                         true,
		`"StringNotEquals":{"aws:PrincipalArn":"x"}`:                                                true, // absent
		`"StringEquals":{"aws:PrincipalArn":"x"}`:                                                   false,
		`"StringEqualsIfExists":{"aws:PrincipalArn":"x"}`:                                           true,
		`"StringLike":{"aws:UserAgent":["wget*","curl/?"]}`:                                         true,
		`"StringNotLike":{"aws:UserAgent":"curl*"}`:                                                 false,
		`"StringEquals":{"aws:SourceAccount":[]}`:                                                   false,
		`"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::buck*"}`:                                          true,
		`"ArnLike":{"AWS:SourceArn":"arn:*:bucket"}`:                                                false,
		`"ArnEquals":{"AWS:SourceArn":"arn:aws:s3:::bucket"}`:                                       true,
		`"ArnNotEquals":{"AWS:SourceArn":"arn:aws:s3:::bucket"}`:                                    false,
		`"ArnNotLike":{"AWS:SourceArn":"arn:aws:s3:::x*"}`:                                          true,
		`"Bool":{"aws:SecureTransport":false}`:                                                      true,
		`"Bool":{"aws:SecureTransport":"true"}`:                                                     false,
		`"NumericLessThan":{"aws:EpochTime":1773309601}`:                                            true,
		`"NumericGreaterThanEquals":{"aws:EpochTime":"1773309600"}`:                                 true,
		`"NumericNotEquals":{"aws:EpochTime":1773309600}`:                                           false,
		`"DateGreaterThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}`:                              true,
		`"DateLessThan":{"aws:CurrentTime":"2026-01-01T00:00:00Z"}`:                                 false,
		`"DateEquals":{"aws:CurrentTime":"1773309600"}`:                                             true,
		`"IpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                                                 true,
		`"IpAddress":{"aws:SourceIp":["10.1.2.4","2001:db8::/32"]}`:                                 false,
		`"NotIpAddress":{"aws:SourceIp":"10.0.0.0/8"}`:                                              false,
		`"Null":{"aws:PrincipalArn":"true"}`:                                                        true,
		`"Null":{"aws:SourceIp":true}`:                                                              false,
		`"Null":{"aws:SourceIp":"false"}`:                                                           true,
		`"ForAllValues:StringEquals":{"aws:TagKeys":["a","b","c"]}`:                                 true,
		`"ForAllValues:StringEquals":{"aws:TagKeys":["a"]}`:                                         false,
		`"ForAllValues:StringEquals":{"aws:PrincipalArn":["a"]}`:                                    true, // absent
		`"ForAnyValue:StringEquals":{"aws:TagKeys":["b","c"]}`:                                      true,
		`"ForAnyValue:StringEquals":{"aws:PrincipalArn":["b"]}`:                                     false,
		`"ForAnyValue:StringNotEquals":{"aws:TagKeys":["a"]}`:                                       true,
		`"ForAllValues:StringNotEquals":{"aws:TagKeys":["a"]}`:                                      false,
		`"StringEquals":{"aws:SourceAccount":"111111111111","aws:UserAgent":"x"}`:                   false, // all must hold
		`"StringEquals":{"aws:SourceAccount":"111111111111"},"Bool":{"aws:SecureTransport":"true"}`: false,
		`"StringEquals":{"aws:SourceAccount":"${aws:SourceAccount}"}`:                               true,
		`"StringNotEquals":{"aws:SourceAccount":"${aws:PrincipalAccount}"}`:                         false, // no value: nothing is allowed for it
		`"StringEquals":{"aws:ResourceTag/team":"x"}`:                                               false,
	} {
		allow := evaluate(t, policy.Resource, statement("Allow", `,"Principal":"*","Condition":{`+condition+`}`), policy.Request{Context: context})
		if (allow == policy.Allow) != want {
			t.Errorf("%s: %v, want holds = %v", condition, allow, want)
		}
	}
}

func TestDenyWins(t *testing.T) {
	t.Parallel()
	text := `{"Version":"2012-10-17","Statement":[
		{"Effect":"Deny","Action":"lambda:Delete*","Resource":"*"},{"Effect":"Allow","Action":"*","Resource":"*"}]}`
	if got := evaluate(t, policy.Identity, text, policy.Request{Action: "lambda:DeleteFunction"}); got != policy.Deny {
		t.Errorf("got %v", got)
	}
	if got := evaluate(t, policy.Identity, text, policy.Request{Action: "lambda:GetFunction"}); got != policy.Allow {
		t.Errorf("got %v", got)
	}
}

func TestUnknownConditionKeys(t *testing.T) {
	t.Parallel()
	for effect, want := range map[string]policy.Decision{"Allow": policy.Neither, "Deny": policy.Deny} {
		text := statement(effect, `,"Condition":{"StringNotEquals":{"dynamodb:LeadingKeys":"x"}}`)
		if got := evaluate(t, policy.Identity, text, policy.Request{}); got != want {
			t.Errorf("%s under a key that nobody supplies: %v, want %v", effect, got, want)
		}
	}
	if _, err := policy.Parse([]byte(statement("Deny", `,"Principal":"*","Condition":{"StringEquals":{"dynamodb:LeadingKeys":"x"}}`)), policy.Resource); err == nil {
		t.Error("a resource policy with an unknown condition key was accepted")
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	ok := `"Action":"lambda:*","Resource":"*"`
	for text, reason := range map[string]string{
		``:                         "JSON",
		`[]`:                       "",
		`null`:                     "no Statement",
		`{"Version":"2012-10-17"}`: "no Statement",
		`{"Version":"2020-01-01","Statement":[{"Effect":"Allow",` + ok + `}]}`:                                   "Version",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow",` + ok + `}]} x`:                                 "",
		`{"Statement":[{"Effect":"allow",` + ok + `}]}`:                                                          "Effect",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Extra":1}]}`:                                                "Extra",
		`{"Statement":[{"Effect":"Deny","effect":"Allow",` + ok + `}]}`:                                          "twice",
		`{"Statement":[{"Effect":"Allow","Resource":"*"}]}`:                                                      "no Action",
		`{"Statement":[{"Effect":"Allow","Action":"lambda:*"}]}`:                                                 "no Resource",
		`{"Statement":[{"Effect":"Allow","Action":[],"Resource":"*"}]}`:                                          "no Action",
		`{"Statement":[{"Effect":"Allow","Action":"lambda","Resource":"*"}]}`:                                    "form",
		`{"Statement":[{"Effect":"Allow","Action":7,"Resource":"*"}]}`:                                           "string",
		`{"Statement":[{"Effect":"Allow","NotAction":"a:b",` + ok + `}]}`:                                        "both",
		`{"Statement":[{"Effect":"Allow","Principal":"*",` + ok + `}]}`:                                          "Principal",
		`{"Statement":[{"Sid":"a","Effect":"Allow",` + ok + `},{"Sid":"a","Effect":"Allow",` + ok + `}]}`:        "Sid",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"Binary":{"aws:x":"a"}}}]}`:                     "operator",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"Bool":{"aws:x":"maybe"}}}]}`:                   "true",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"IpAddress":{"aws:SourceIp":"10.0.0.0/99"}}}]}`: "range",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"NumericEquals":{"aws:x":"NaN"}}}]}`:            "number",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"DateEquals":{"aws:x":"soon"}}}]}`:              "date",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"StringEquals":{"nokey":"x"}}}]}`:               "service:Key",
		`{"Statement":[{"Effect":"Allow",` + ok + `,"Condition":{"StringEquals":{"a:b":{}}}}]}`:                  "strings",
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"a:b","Resource":"${x"}]}`:              "brace",
		`{"Statement":[{"Effect":"Allow","Action":"a:b","Resource":"\u0000"}]}`:                                  "U+0000",
		`{"Statement":` + strings.Repeat("[", 100) + strings.Repeat("]", 100) + `}`:                              "deeply",
		strings.Repeat(" ", policy.MaxBytes) + `{"Statement":[{"Effect":"Allow",` + ok + `}]}`:                   "longer",
	} {
		if _, err := policy.Parse([]byte(text), policy.Identity); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%.100s: got %v, want an error with %q", text, err, reason)
		}
	}
	for member, reason := range map[string]string{
		``: "no Principal", `"Principal":"111111111111"`: "object", `"Principal":{}`: "no Principal",
		`"Principal":{"AWS":"arn:aws:iam::111111111111:role/*"}`: "principal", `"Principal":{"AWS":"me"}`: "principal",
		`"Principal":{"Robot":"x"}`: "kind", `"NotPrincipal":"*"`: "Deny only", `"Principal":"*","NotPrincipal":"*"`: "both",
	} {
		if member != "" {
			member = "," + member
		}
		if _, err := policy.Parse([]byte(statement("Allow", member)), policy.Resource); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: got %v, want an error with %q", member, err, reason)
		}
	}
	if _, err := policy.Parse([]byte(statement("Allow", `,"Principal":"*"`)), policy.Trust); err == nil {
		t.Error("a trust policy with a Resource was accepted")
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	text := `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"lambda.amazonaws.com"},"Action":"sts:AssumeRole"}]}`
	r := policy.Request{Principal: policy.Principal{Service: "lambda.amazonaws.com"}, Action: "sts:AssumeRole"}
	if got := evaluate(t, policy.Trust, text, r); got != policy.Allow {
		t.Errorf("got %v", got)
	}
}

func TestOldVersionHasNoVariables(t *testing.T) {
	t.Parallel()
	text := `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"${aws:userid}","Condition":{"StringEquals":{"aws:UserAgent":"${x"}}}]}`
	r := policy.Request{Resource: "${aws:userid}", Context: policy.Context{"aws:userid": {"me"}, "aws:UserAgent": {"${x"}}}
	if got := evaluate(t, policy.Identity, text, r); got != policy.Allow {
		t.Errorf("got %v", got)
	}
}

func TestTextSurvives(t *testing.T) {
	t.Parallel()
	const text = `{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":"x<&>"}]}`
	d, err := policy.Parse([]byte(strings.ReplaceAll(text, ",", " ,\n")), policy.Resource)
	if err != nil || d.String() != text {
		t.Errorf("got %v, %v, want %s", d, err, text)
	}
}
