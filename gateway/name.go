package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// function finds out which of the account's functions raw (a name, partial or full ARN) and the query's Qualifier mean.
// In the result only Name and Qualifier are set. Errors: KindValidation, KindInvalid when the two qualifiers differ,
// KindNotFound for another region, KindDenied for another account.
func (c *call) function(raw, query string) (lambda.FunctionRef, error) {
	if plainName(raw) && (query == "" || query == lambda.Latest) {
		return lambda.FunctionRef{Name: raw, Qualifier: query}, nil
	}
	if err := api.CheckName(raw, query); err != nil {
		return lambda.FunctionRef{}, err
	}
	ref, err := c.own(raw)
	if err != nil {
		return ref, err
	}
	if ref.Qualifier != "" && query != "" && ref.Qualifier != query {
		return ref, lambda.Errorf(lambda.KindInvalid, "The derived qualifier from the function name does not match the specified qualifier.")
	}
	if query != "" {
		ref.Qualifier = query
	}
	return ref, nil
}

// plainName reports whether s is just a function's name: [A-Za-z0-9_-]{1,64}.
func plainName(s string) bool {
	if len(s) == 0 || len(s) > 64 {
		return false
	}
	for i := range len(s) {
		switch b := s[i]; {
		case 'a' <= b && b <= 'z', 'A' <= b && b <= 'Z', '0' <= b && b <= '9', b == '-', b == '_':
		default:
			return false
		}
	}
	return true
}

// own parses a name or ARN and refuses those outside the call's account or this region.
func (c *call) own(raw string) (lambda.FunctionRef, error) {
	ref, ok := lambda.ParseFunctionRef(raw)
	switch {
	case !ok:
		return ref, lambda.Errorf(lambda.KindInvalid, "Invalid function name or ARN: %.256s", raw)
	case ref.Region != "" && ref.Region != c.region:
		return ref, lambda.Errorf(lambda.KindNotFound, "Functions from '%s' are not reachable in this region ('%s')", ref.Region, c.region)
	case ref.Account != "" && ref.Account != c.account: // authorize allowed one account only
		return ref, c.denied(c.route.action, lambda.FunctionARN(c.region, ref.Account, ref.Name, ref.Qualifier), noResourcePolicy)
	}
	return lambda.FunctionRef{Name: ref.Name, Qualifier: ref.Qualifier}, nil
}

// unqualified is function for operations on the function as a whole. $LATEST passes only if latest is set.
func (c *call) unqualified(raw string, latest bool) (name string, err error) {
	ref, err := c.function(raw, "")
	if err != nil {
		return "", err
	}
	if ref.Qualifier != "" && !(latest && ref.Qualifier == lambda.Latest) {
		return "", lambda.Errorf(lambda.KindInvalid, "This operation is permitted on Lambda functions only. Aliases and versions "+
			"do not support this operation. Please specify either a function name or an unqualified function ARN.")
	}
	return ref.Name, nil
}
