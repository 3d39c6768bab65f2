package policy

import (
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// FuzzParse: what is accepted can be written, read again and evaluated, and means the same.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":["*"]},"Action":["lambda:*"],"Resource":"*","Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"}}}]}`,
		`{"Version":"2012-10-17","Id":"x","Statement":{"Effect":"Deny","NotPrincipal":{"Service":"a.b"},"NotAction":"a:b","NotResource":"${aws:userid}"}}`,
		`{"Statement":[{"Effect":"Allow","Principal":"*","Action":"*","Resource":"*","Condition":{"ForAnyValue:NumericLessThanIfExists":{"aws:EpochTime":[1,"2"]},"Null":{"aws:userid":true}}}]}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r := Request{
			Principal: Principal{Account: "111111111111", ARN: "arn:aws:iam::111111111111:root"}, Action: "lambda:InvokeFunction", Resource: "arn:aws:lambda:x",
			Context: Context{"aws:userid": {"a"}, "aws:EpochTime": {"3"}, "aws:SourceIp": {"10.0.0.1"}, "aws:CurrentTime": {"2026-01-01"}},
		}
		for _, kind := range []Kind{Identity, Resource, Trust} {
			d, err := Parse([]byte(text), kind)
			if err != nil {
				continue
			}
			decision := d.Evaluate(&r)
			again, err := Parse([]byte(d.String()), kind)
			if err != nil {
				t.Fatalf("%s is not read again: %v", d, err)
			}
			if again.Evaluate(&r) != decision {
				t.Fatalf("%s means something else when read again", d)
			}
		}
	})
}

// FuzzMatch compares match with regular expressions.
func FuzzMatch(f *testing.F) {
	f.Add("a*b?c", "axxbyc")
	f.Add("**a", "aaa")
	f.Add("\x00*", "*")
	f.Fuzz(func(t *testing.T, pattern, s string) {
		if len(pattern) > 100 || len(s) > 1000 || !utf8.ValidString(pattern) || !utf8.ValidString(s) {
			return
		}
		var re strings.Builder
		quoted := false
		for _, c := range pattern {
			switch {
			case quoted:
				re.WriteString(regexp.QuoteMeta(string(c)))
				quoted = false
			case c == literal:
				quoted = true
			case c == '*':
				re.WriteString(".*")
			case c == '?':
				re.WriteString(".")
			default:
				re.WriteString(regexp.QuoteMeta(string(c)))
			}
		}
		if quoted || strings.ContainsRune(s, literal) {
			return // never made
		}
		if want := regexp.MustCompile(`(?s)^` + re.String() + `$`).MatchString(s); match(pattern, s) != want {
			t.Fatalf("match(%q, %q) is %v", pattern, s, !want)
		}
	})
}

// TestMatchIsBounded: the pattern that takes a backtracking matcher for ever.
func TestMatchIsBounded(t *testing.T) {
	t.Parallel()
	if match(strings.Repeat("*a", 1000)+"b", strings.Repeat("a", 20000)) {
		t.Error("matches")
	}
}

func BenchmarkEvaluate(b *testing.B) {
	d, err := Parse([]byte(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:f","Condition":{"StringEquals":{"aws:SourceIp":"127.0.0.1"}}}]}`), Resource)
	if err != nil {
		b.Fatal(err)
	}
	r := Request{
		Principal: Principal{Account: "222222222222", ARN: "arn:aws:iam::222222222222:root"}, Action: "lambda:InvokeFunction",
		Resource: "arn:aws:lambda:us-east-1:111111111111:function:f", Context: Context{KeySourceIP: {"127.0.0.1"}},
	}
	b.ReportAllocs()
	for b.Loop() {
		if d.Evaluate(&r) != Allow {
			b.Fatal("not allowed")
		}
	}
}
