package logpattern_test

import (
	"errors"
	"strings"
	"testing"

	"thaw.dev/thaw/logpattern"
)

const (
	object = `{"level":"ERROR","code":404,"ip":"10.1.2.3","ok":false,"none":null,"user":{"name":"Ann","a.b":1},"tags":["x","y"],"list":[{"n":1},{"n":2}]}`
	access = `127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534`
)

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, message string
		want             bool
	}{
		{"", "anything", true},
		{"ERROR", "an ERROR here", true},
		{"ERROR", "an error here", false},
		{"ERROR here", "here an ERROR", true},
		{"ERROR there", "here an ERROR", false},
		{"?a1 ?b1", "x b1", true},
		{"?a1 ?b1", "x c1", false},
		{"ERROR -timeout", "ERROR timeout", false},
		{"ERROR -timeout", "ERROR again", true},
		{`"an ERROR"`, "an ERROR", true},
		{`"an ERROR"`, "an  ERROR", false},
		{`"say \"hi\""`, `say "hi" now`, true},
		{"%ERR[0-9]+%", "xx ERR42", true},
		{"%ERR[0-9]+%", "xx ERR", false},
		{"-%ERR[0-9]+% xx", "xx ERR", true},

		{`{ $.level = "ERROR" }`, object, true},
		{`{ $.level = ERROR }`, object, true},
		{`{ $.level = "ERR*" }`, object, true},
		{`{ $.level = "*RO*" }`, object, true},
		{`{ $.level = "*RX*" }`, object, false},
		{`{ $.level != "INFO" }`, object, true},
		{`{ $.missing != "INFO" }`, object, false},
		{`{ $.code = 404 }`, object, true},
		{`{ $.code = 4.04e2 }`, object, true},
		{`{ $.code = 4* }`, object, true},
		{`{ $.code >= 400 && $.code < 500 }`, object, true},
		{`{ $.code > 404 || $.ip = 10.1.* }`, object, true},
		{`{ $.code > 404 || $.ip = 10.2.* }`, object, false},
		{`{ ($.code > 404 || $.level = ERROR) && $.ok IS FALSE }`, object, true},
		{`{ $.ok IS TRUE }`, object, false},
		{`{ $.ok = false }`, object, true},
		{`{ $.none IS NULL }`, object, true},
		{`{ $.code IS NULL }`, object, false},
		{`{ $.missing NOT EXISTS }`, object, true},
		{`{ $.none NOT EXISTS }`, object, false},
		{`{ $.user.name = "Ann" }`, object, true},
		{`{ $.user["a.b"] = 1 }`, object, true},
		{`{ $['level'] = ERROR }`, object, true},
		{`{ $.tags[1] = "y" }`, object, true},
		{`{ $.tags[2] NOT EXISTS }`, object, true},
		{`{ $.list[*].n = 2 }`, object, true},
		{`{ $.list[*].n = 3 }`, object, false},
		{`{ $.level = %^ERR% }`, object, true},
		{`{ $.user = "Ann" }`, object, false},
		{`{ $.level = "ERROR" }`, "level = ERROR", false},
		{`{ $.level = "ERROR" }`, `{"level":"ERROR"`, false},
		{`{ $[0] = 7 }`, `[7]`, true},
		{`{ $.a.b.c = 1 }`, `{"a":[1]}`, false},

		{"[ip, user, name, time, request, status = 404, bytes]", access, true},
		{"[ip, user, name, time, request, status = 4*, bytes > 1000]", access, true},
		{"[ip, user, name, time, request, status = 4*, bytes > 2000]", access, false},
		{"[..., status = 404 || status = 410, bytes]", access, true},
		{"[ip != 127.*, ...]", access, false},
		{"[ip = 127.* && ip != 127.0.0.2, ..., bytes]", access, true},
		{"[ip, user, name, time, request = \"*html*\", ...]", access, true},
		{"[ip, time = %Oct%, ...]", access, false},
		{"[a, b]", access, false},
		{"[a, b]", "one two", true},
		{"[a, b, ...]", "one", false},
	} {
		p, err := logpattern.Parse(test.pattern)
		if err != nil {
			t.Errorf("%s: %v", test.pattern, err)
		} else if got := p.Matches(test.message); got != test.want {
			t.Errorf("%s on %s: %t", test.pattern, test.message, got)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, pattern := range []string{
		`"open`, `""`, "?", "- x", "%open", "%[%", strings.Repeat("x", logpattern.MaxBytes+1),
		"{", "{}", "{ $ = 1 }", "{ $.a }", "{ $.a = }", "{ $.a = 1", "{ $.a = 1 } x", "{ a = 1 }", "{ $.a < x }", "{ $.a IS 1 }",
		"{ $.a NOT }", "{ $.a[x] = 1 }", "{ $.a[1 = 1 }", `{ $.a["x] = 1 }`, "{ ($.a = 1 }", `{ $.a = "x }`, "{ $.a = 1 && }",
		"{ $.. = 1 }", "{" + strings.Repeat("(", 100) + "$.a=1",
		"[", "[]", "[a", "[a,]", "[..., ...]", "[a] b", "[a = 1 && b = 2]", "[a b]",
	} {
		if _, err := logpattern.Parse(pattern); !errors.Is(err, logpattern.ErrSyntax) {
			t.Errorf("%s: %v", pattern, err)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, pattern := range []string{"a ?b -c \"d e\" %f%", `{ $.a["b"][0] = "c*" && ($.d IS NULL || $.e > 1) }`, "[a, b = 1*, ..., c != %x%]"} {
		f.Add(pattern, object)
		f.Add(pattern, access)
	}
	f.Fuzz(func(_ *testing.T, pattern, message string) {
		if p, err := logpattern.Parse(pattern); err == nil {
			p.Matches(message)
		}
	})
}
