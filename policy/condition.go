package policy

import (
	"fmt"
	"slices"
	"strings"
)

// condition is one operator and key of a statement, with the values to compare with.
type condition struct {
	operator operator
	key      string
	values   []string
	ifExists bool
	forAll   bool
	forAny   bool
	null     bool // the operator is Null; values are "true" or "false"
}

// operator compares one value of the request with one of the policy.
type operator struct {
	not     bool                     // the condition holds if no value of the policy compares
	texts   bool                     // the policy's values may have variables
	check   func(value string) error // of a value of the policy; nil: anything goes
	compare func(value, got string) bool
}

func parseConditions(byOperator map[string]map[string]values, variables bool) ([]condition, error) {
	var list []condition
	for name, byKey := range byOperator {
		c, err := parseOperator(name)
		if err != nil {
			return nil, err
		}
		for key, values := range byKey {
			if !strings.Contains(key, ":") {
				return nil, fmt.Errorf("the condition key %q must have the form service:Key", key)
			}
			c.key, c.values = key, slices.Clone(values)
			for i, v := range c.values {
				switch {
				case c.null:
					err = checkBool(v)
				case c.operator.check != nil:
					err = c.operator.check(v)
				case variables:
					err = checkVariables(v)
				default:
					c.values[i] = quoteVariables(v)
				}
				if err != nil {
					return nil, fmt.Errorf("condition %s of %s: %w", name, key, err)
				}
			}
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b condition) int { return strings.Compare(a.key, b.key) })
	return list, nil
}

// parseOperator reads an operator's name: [ForAllValues:|ForAnyValue:]NAME[IfExists]. Case does not matter.
func parseOperator(name string) (condition, error) {
	var c condition
	base := strings.ToLower(name)
	if rest, ok := strings.CutPrefix(base, "forallvalues:"); ok {
		base, c.forAll = rest, true
	} else if rest, ok := strings.CutPrefix(base, "foranyvalue:"); ok {
		base, c.forAny = rest, true
	}
	if base == "null" && !c.forAll && !c.forAny {
		c.null = true
		return c, nil
	}
	base, c.ifExists = strings.CutSuffix(base, "ifexists")
	o, ok := operators[base]
	if !ok {
		return c, fmt.Errorf("the condition operator %q is not supported", name)
	}
	c.operator = o
	return c, nil
}

// holds reports whether the condition holds, in a statement that denies or one that allows.
func (c condition) holds(r *Request, deny bool) bool {
	got := r.lookup(c.key)
	if c.null {
		absent := len(got) == 0
		return slices.ContainsFunc(c.values, func(v string) bool { return strings.EqualFold(v, "true") == absent })
	}
	if len(got) == 0 {
		return c.ifExists || c.forAll || c.operator.not && !c.forAny
	}
	one := func(g string) bool { return c.any(r, g, deny) != c.operator.not }
	switch {
	case c.forAny:
		return slices.ContainsFunc(got, one)
	case c.forAll || c.operator.not:
		return !slices.ContainsFunc(got, func(g string) bool { return !one(g) })
	}
	return slices.ContainsFunc(got, one)
}

// any reports whether one of the policy's values compares with a value of the request. One with a variable that has no value
// compares with nothing, except where the statement would allow more for that.
func (c condition) any(r *Request, got string, deny bool) bool {
	return slices.ContainsFunc(c.values, func(v string) bool {
		if c.operator.texts {
			var ok bool
			if v, ok = r.expand(v); !ok {
				return c.operator.not && !deny
			}
		}
		return c.operator.compare(v, got)
	})
}
