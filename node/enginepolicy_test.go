package node

import (
	"slices"
	"strings"
	"testing"
)

func TestEnginePolicy(t *testing.T) {
	t.Parallel()
	p, err := readEnginePolicy("gvisor", []string{
		"arn:aws:lambda:*:222222222222:function:trusted-*=gvisor", // the first that matches holds
		"arn:aws:lambda:*:222222222222:function:*=fake",
		"arn:aws:lambda:us-east-1:*:function:odd?=fake",
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := p.engines(); !slices.Equal(got, []string{"gvisor", "fake"}) {
		t.Errorf("engines %v", got)
	}
	for _, c := range []struct{ region, account, function, want string }{
		{"us-east-1", "111111111111", "f", "gvisor"},
		{"us-east-1", "222222222222", "f", "fake"},
		{"eu-west-3", "222222222222", "function", "fake"},
		{"us-east-1", "222222222222", "trusted-f", "gvisor"},
		{"us-east-1", "222222222222", "trusted", "fake"},
		{"us-east-1", "122222222222", "222222222222", "gvisor"}, // a part never matches another
		{"us-east-1", "111111111111", "odd1", "fake"},
		{"us-east-1", "111111111111", "odd12", "gvisor"},
		{"eu-west-3", "111111111111", "odd1", "gvisor"},
	} {
		if got := p.engine(c.region, c.account, c.function); got != c.want {
			t.Errorf("%+v: got %s", c, got)
		}
	}
}

func TestEnginePolicyRefuses(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		"": "PATTERN=ENGINE",
		"arn:aws:lambda:*:222222222222:function:*":        "PATTERN=ENGINE",
		"arn:aws:lambda:*:222222222222:function:*=docker": `engine "docker"`,
		"*=gvisor": "7 of arn:aws:lambda",
		"arn:aws:lambda:*:222222222222:function:f:1=gvisor":                  "8 parts",
		"arn:aws:lambda:*:22222222222x:function:*=gvisor":                    "account",
		"arn:aws:lambda:*:222222222222:layer:*=gvisor":                       `cannot be the function`,
		"arn:aws:s3:*:222222222222:function:*=gvisor":                        "service",
		"arn:aws:lambda:*:222222222222:function:[a]=gvisor":                  "name",
		"arn:aws:lambda:*:222222222222:function:=gvisor":                     "name",
		"arn:aws:lambda:(.*):222222222222:function:*=gvisor":                 "region",
		"arn:aws:lambda:*:222222222222:function:*=gvisor=fake":               `engine "gvisor=fake"`,
		"arn:aws:lambda:us east:222222222222:function:*=gvisor":              "region",
		"arn:aws:lambda:*:222222222222:function:*\nx=gvisor":                 "name",
		"arn:aws:lambda:*:2222222222222222:function:*=gvisor":                "account",
		"arn:aws:lambda:*:222222222222:function:ok=":                         `engine ""`,
		"arn:aws:lambda::222222222222:function:ok=gvisor":                    "region",
		"arn:aws:lambda:*:*:function:" + strings.Repeat("x", 65) + "=gvisor": "name",
	} {
		if _, err := readEnginePolicy("gvisor", []string{rule}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", rule, err, want)
		}
	}
}
