package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// Principal is who makes a request. The zero Principal is anonymous: only "*" means it.
type Principal struct {
	Account string // 12 digits; "" of services and anonymous callers
	ARN     string // arn:aws:iam::<account>:root, …:user/<name>, or arn:aws:sts::<account>:assumed-role/<role>/<session>
	Role    string // of a role's session: the role's ARN, arn:aws:iam::<account>:role/<path and name>
	Service string // of a service: its name, like s3.amazonaws.com
}

func (p Principal) root() bool {
	return p.Account != "" && p.ARN == "arn:aws:iam::"+p.Account+":root"
}

// principal is one entry of Principal or NotPrincipal.
type principal struct {
	kind  string // AWS, Service, Federated, CanonicalUser; "*" is AWS
	value string // of AWS: "*", an account's root ARN, or another ARN
}

var (
	accountID    = regexp.MustCompile(`^[0-9]{12}$`)
	principalARN = regexp.MustCompile(`^arn:aws[a-z-]*:(iam|sts)::([0-9]{12}):(root|user/[^*?]+|role/[^*?]+|assumed-role/[^*?/]+/[^*?/]+|federated-user/[^*?]+)$`)
)

// ParsePrincipal returns the AWS principal that s names, in its full form: "*", or the ARN; of an account the ARN of its
// root. It is an error if s is no account and no ARN of one.
func ParsePrincipal(s string) (string, error) {
	switch {
	case s == "*" || principalARN.MatchString(s):
		return s, nil
	case accountID.MatchString(s):
		return "arn:aws:iam::" + s + ":root", nil
	}
	return "", fmt.Errorf("the principal %q is no account, no ARN of a role, user or session, and not *", s)
}

func statementPrincipals(w wireStatement, kind Kind) (list []principal, not bool, err error) {
	text := w.Principal
	switch {
	case kind == Identity && (w.Principal != nil || w.NotPrincipal != nil):
		return nil, false, errors.New("an identity policy must not have a Principal")
	case kind == Identity:
		return nil, false, nil
	case w.Principal != nil && w.NotPrincipal != nil:
		return nil, false, errors.New("a statement cannot have both Principal and NotPrincipal")
	case w.NotPrincipal != nil:
		text, not = w.NotPrincipal, true
	case w.Principal == nil:
		return nil, false, errors.New("the statement has no Principal")
	}
	if string(text) == `"*"` {
		return []principal{{"AWS", "*"}}, not, nil
	}
	if text[0] != '{' {
		return nil, false, errors.New(`the Principal must be "*" or an object`)
	}
	var byKind map[string]texts
	if err := json.Unmarshal(text, &byKind); err != nil {
		return nil, false, err
	}
	for kind, values := range byKind {
		for _, v := range values {
			p := principal{kind, v}
			switch kind {
			case "AWS":
				if p.value, err = ParsePrincipal(v); err != nil {
					return nil, false, err
				}
			case "Service", "Federated", "CanonicalUser":
				if v == "" || strings.Contains(v, "*") {
					return nil, false, fmt.Errorf("the %s principal %q is not valid", kind, v)
				}
			default:
				return nil, false, fmt.Errorf("principals of the kind %q do not exist", kind)
			}
			list = append(list, p)
		}
	}
	if len(list) == 0 {
		return nil, false, errors.New("the statement has no Principal")
	}
	return list, not, nil
}

// names reports how the statement's Principal means p: Allow if it names p itself or everybody, Delegate if it names p's
// account only, Neither if not at all.
func (s *Statement) names(p Principal) Decision {
	found := Neither
	for _, n := range s.principals {
		switch {
		case n.kind == "AWS" && n.value == "*",
			n.kind == "AWS" && p.ARN != "" && (n.value == p.ARN || n.value == p.Role),
			n.kind == "Service" && n.value == p.Service:
			return Allow
		case n.kind == "AWS" && p.Account != "" && n.value == "arn:aws:iam::"+p.Account+":root":
			found = Delegate
		}
	}
	return found
}
