package policy

import (
	"fmt"
	"strings"
)

// expand returns pattern with the values of its variables, like ${aws:PrincipalAccount}, in place of them; false if one
// has no value, or several. The values mean themselves: a * in one is no wildcard. ${*}, ${?} and ${$} are the characters.
// A default may stand behind a comma: ${aws:PrincipalTag/team, 'none'}.
func (r *Request) expand(pattern string) (string, bool) {
	if !strings.Contains(pattern, "${") {
		return pattern, true
	}
	var b strings.Builder
	for {
		before, rest, ok := strings.Cut(pattern, "${")
		b.WriteString(before)
		if !ok {
			return b.String(), true
		}
		var name string
		name, pattern, _ = strings.Cut(rest, "}") // checkVariables saw to the brace
		value := name
		if name != "*" && name != "?" && name != "$" {
			key, other, hasDefault := strings.Cut(name, ",")
			found := r.lookup(strings.TrimSpace(key))
			switch {
			case len(found) == 1:
				value = found[0]
			case len(found) == 0 && hasDefault:
				value = strings.Trim(strings.TrimSpace(other), "'")
			default:
				return "", false
			}
		}
		for i := range len(value) {
			if value[i] == literal {
				return "", false
			}
			if value[i] == '*' || value[i] == '?' {
				b.WriteByte(literal)
			}
			b.WriteByte(value[i])
		}
	}
}

// checkVariables refuses variables that do not end.
func checkVariables(pattern string) error {
	for {
		_, rest, ok := strings.Cut(pattern, "${")
		if !ok {
			return nil
		}
		_, after, ok := strings.Cut(rest, "}")
		if !ok {
			return fmt.Errorf("a variable in %q has no closing brace", pattern)
		}
		pattern = after
	}
}

// quoteVariables makes text without variables of one for a document of 2008, where ${ means itself.
func quoteVariables(pattern string) string { return strings.ReplaceAll(pattern, "${", "${$}{") }
