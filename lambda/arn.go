package lambda

import (
	"regexp"
	"strings"
)

// FunctionARN builds a function's ARN; qualifier "" leaves it unqualified.
func FunctionARN(region, account, name, qualifier string) string {
	arn := "arn:aws:lambda:" + region + ":" + account + ":function:" + name
	if qualifier != "" {
		arn += ":" + qualifier
	}
	return arn
}

// FunctionRef is a function as a caller named it: by name, partial ARN or full ARN. Empty members were not given.
type FunctionRef struct {
	Region, Account, Name, Qualifier string
}

var functionRef = regexp.MustCompile(`^(?:arn:aws[a-zA-Z-]*:lambda:([a-z]{2}(?:-[a-z]+)+-[0-9]):)?(?:([0-9]{12}):)?(?:function:)?([a-zA-Z0-9-_.]+)(?::(\$LATEST(?:\.PUBLISHED)?|[a-zA-Z0-9-_]+))?$`)

// ParseFunctionRef takes NAME[:Q], function:NAME[:Q], ACCOUNT:function:NAME[:Q] and full ARNs; false if s is none of
// them. It does not check the name's length.
func ParseFunctionRef(s string) (FunctionRef, bool) {
	m := functionRef.FindStringSubmatch(s)
	if m == nil || (strings.HasPrefix(s, "arn:") && (m[1] == "" || m[2] == "" || !strings.Contains(s, ":function:"))) {
		return FunctionRef{}, false
	}
	return FunctionRef{Region: m[1], Account: m[2], Name: m[3], Qualifier: m[4]}, true
}
