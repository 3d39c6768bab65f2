package policy

import (
	"slices"
	"strings"
)

// Decision is what a document says about a request. Larger ones win where several statements or documents speak.
type Decision int

// Decisions. The zero Decision is Neither.
const (
	Neither  Decision = iota // no statement is about the request
	Delegate                 // a resource policy allows the caller's account, which decides itself whom of its own it lets
	Allow                    // allowed
	Deny                     // denied, whatever else allows it
)

func (d Decision) String() string {
	return [...]string{"neither", "delegate", "allow", "deny"}[d]
}

// Request is what a document is asked about.
type Request struct {
	Principal Principal
	Action    string  // service:Operation, like lambda:InvokeFunction; case does not matter
	Resource  string  // ARN; ignored by trust policies
	Context   Context // values of condition keys
}

// Context holds values of condition keys by the key's name, like aws:SourceIp. Case does not matter; each key may stand
// there once. A key that is not there is absent, one with an empty list as well.
type Context map[string][]string

func (r *Request) lookup(key string) []string {
	if v, ok := r.Context[key]; ok {
		return v
	}
	for k, v := range r.Context {
		if strings.EqualFold(k, key) {
			return v
		}
	}
	return nil
}

// Evaluate decides about a request. The account's root, named by a resource policy, is allowed; others of an account that
// is named as a whole get Delegate. A Deny that names an account is for all of it.
func (d *Document) Evaluate(r *Request) Decision {
	decision := Neither
	for i := range d.Statements {
		decision = max(decision, d.Statements[i].evaluate(r))
		if decision == Deny {
			break
		}
	}
	return decision
}

func (s *Statement) evaluate(r *Request) Decision {
	who := Allow
	if s.principals != nil {
		who = s.names(r.Principal)
		if s.notPrincipal {
			// Only those named themselves are spared, not everybody of a named account.
			who = map[bool]Decision{true: Neither, false: Allow}[who == Allow]
		}
	}
	if who == Neither || s.notAction == s.acts(r.Action) || s.resources != nil && s.notResource == s.concerns(r) {
		return Neither
	}
	if s.unknownKey && !s.Deny {
		return Neither
	}
	for _, c := range s.conditions {
		if !c.holds(r, s.Deny) {
			return Neither
		}
	}
	if s.Deny {
		return Deny
	}
	return who
}

func (s *Statement) acts(action string) bool {
	action = strings.ToLower(action)
	return slices.ContainsFunc(s.actions, func(a string) bool { return match(strings.ToLower(a), action) })
}

// concerns reports whether one of the patterns is for the resource. A pattern with a variable that has no value matches
// nothing, except in the NotResource of a statement that allows: it must not allow more for that.
func (s *Statement) concerns(r *Request) bool {
	return slices.ContainsFunc(s.resources, func(pattern string) bool {
		pattern, ok := r.expand(pattern)
		if !ok {
			return s.notResource && !s.Deny
		}
		return match(pattern, r.Resource)
	})
}

// About reports whether the statement is for the resource with that ARN and no other: its Resource is just that.
func (s *Statement) About(arn string) bool {
	return !s.notResource && !slices.ContainsFunc(s.resources, func(r string) bool { return r != arn })
}
