package logpattern

import "strings"

// columns matches events by their parts, which spaces separate; "quoted" and [bracketed] parts count as one.
type columns struct {
	before, after []condition // of the columns before and after the ellipsis; nil for a column without a condition
	open          bool        // there is an ellipsis, which stands for any number of columns
}

// column is the text of a part of an event; it compares as a number where the pattern has one.
type column string

// parseColumns reads [name, name = value, …] where "..." stands for any number of columns.
func parseColumns(s string) (matcher, error) {
	c := &columns{}
	for p := (&parser{rest: s[1:]}); ; {
		switch {
		case p.take("..."):
			if c.open {
				return nil, syntax("it has more than one ellipsis")
			}
			c.open = true
		default:
			column, err := p.column()
			if err != nil {
				return nil, err
			}
			if c.open {
				c.after = append(c.after, column)
			} else {
				c.before = append(c.before, column)
			}
		}
		if p.take(",") {
			continue
		}
		if !p.take("]") {
			return nil, syntax("%.32q is not understood", p.rest)
		}
		if p.space(); p.rest != "" {
			return nil, syntax("something follows the closing bracket")
		}
		return c, nil
	}
}

// column reads a column's name and the condition on it, which may name no other column.
func (p *parser) column() (condition, error) {
	named := *p
	first, err := named.name()
	if err != nil {
		return nil, err
	}
	if named.space(); strings.HasPrefix(named.rest, ",") || strings.HasPrefix(named.rest, "]") {
		p.rest = named.rest
		return nil, nil
	}
	p.selector = func(p *parser) (selector, error) {
		name, err := p.name()
		if err == nil && name != first {
			err = syntax("%s is compared within the column %s", name, first)
		}
		return nil, err
	}
	return p.or()
}

// name reads the name of a column.
func (p *parser) name() (string, error) {
	p.space()
	p.rest = strings.TrimPrefix(p.rest, "$.") // which some write
	end := strings.IndexAny(p.rest, " \t\r\n,[]=!<>(){}&|\"%")
	if end <= 0 {
		return "", syntax("a column has no name")
	}
	name := p.rest[:end]
	p.rest = p.rest[end:]
	return name, nil
}

func (c *columns) matches(message string) bool {
	parts := split(message)
	if len(parts) < len(c.before)+len(c.after) || !c.open && len(parts) != len(c.before) {
		return false
	}
	return all(c.before, parts) && all(c.after, parts[len(parts)-len(c.after):])
}

func all(conditions []condition, parts []string) bool {
	for i, c := range conditions {
		if c != nil && !c.holds(func(selector) []any { return []any{column(parts[i])} }) {
			return false
		}
	}
	return true
}

// split cuts an event into its parts, without their quotes or brackets.
func split(message string) (parts []string) {
	for rest := strings.TrimLeft(message, " \t\r\n"); rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		end := ""
		switch rest[0] {
		case '"':
			end = `"`
		case '[':
			end = "]"
		}
		if end != "" {
			if inside, after, ok := strings.Cut(rest[1:], end); ok {
				parts, rest = append(parts, inside), after
				continue
			}
		}
		at := strings.IndexAny(rest, " \t\r\n")
		if at < 0 {
			at = len(rest)
		}
		parts, rest = append(parts, rest[:at]), rest[at:]
	}
	return parts
}
