package logpattern

import (
	"encoding/json"
	"strconv"
	"strings"
)

// jsonPattern matches events that are JSON objects or arrays.
type jsonPattern struct{ condition condition }

func parseJSON(s string) (matcher, error) {
	p := &parser{rest: s[1:], selector: (*parser).path}
	c, err := p.or()
	if err != nil {
		return nil, err
	}
	if !p.take("}") {
		return nil, syntax("%.32q is not understood", p.rest)
	}
	if p.space(); p.rest != "" {
		return nil, syntax("something follows the closing brace")
	}
	return jsonPattern{c}, nil
}

// path reads $.name["name"][0][*].
func (p *parser) path() (selector, error) {
	if !p.take("$") {
		return nil, syntax("a comparison does not begin with $")
	}
	var path selector
	for {
		switch {
		case strings.HasPrefix(p.rest, "."):
			end := strings.IndexAny(p.rest[1:], " \t\r\n.[]=!<>(){}&|\"")
			if end < 0 {
				end = len(p.rest) - 1
			}
			if end == 0 {
				return nil, syntax("a property has no name")
			}
			name := p.rest[1 : 1+end]
			p.rest = p.rest[1+end:]
			if name == "*" {
				path = append(path, step{kind: every})
			} else {
				path = append(path, step{name: name})
			}
		case strings.HasPrefix(p.rest, "["):
			s, err := p.bracket()
			if err != nil {
				return nil, err
			}
			path = append(path, s)
		case len(path) == 0:
			return nil, syntax("$ is not followed by a property")
		default:
			return path, nil
		}
	}
}

// bracket reads ["name"], ['name'], [0] or [*].
func (p *parser) bracket() (step, error) {
	inside, rest, ok := strings.Cut(p.rest[1:], "]")
	if !ok {
		return step{}, syntax("a bracket is not closed")
	}
	if len(inside) >= 2 && (inside[0] == '"' || inside[0] == '\'') {
		name, after, ok := strings.Cut(p.rest[2:], inside[:1]+"]")
		if !ok {
			return step{}, syntax("a quoted name has no end")
		}
		p.rest = after
		return step{name: name}, nil
	}
	p.rest = rest
	if inside == "*" {
		return step{kind: every}, nil
	}
	n, err := strconv.ParseUint(inside, 10, 31)
	if err != nil {
		return step{}, syntax("%.32q is no index", inside)
	}
	return step{kind: element, index: int(n)}, nil
}

func (j jsonPattern) matches(message string) bool {
	text := strings.TrimSpace(message)
	if text == "" || text[0] != '{' && text[0] != '[' {
		return false
	}
	var document any
	if json.Unmarshal([]byte(text), &document) != nil {
		return false
	}
	return j.condition.holds(func(path selector) []any { return find(document, path) })
}

// find returns what a path leads to: one value, none, or with [*] several.
func find(value any, path selector) []any {
	if len(path) == 0 {
		return []any{value}
	}
	s, rest := path[0], path[1:]
	var found []any
	switch v := value.(type) {
	case map[string]any:
		if s.kind == every {
			for _, member := range v {
				found = append(found, find(member, rest)...)
			}
		} else if member, ok := v[s.name]; ok && s.kind == property {
			return find(member, rest)
		}
	case []any:
		if s.kind == every {
			for _, member := range v {
				found = append(found, find(member, rest)...)
			}
		} else if s.kind == element && s.index < len(v) {
			return find(v[s.index], rest)
		}
	}
	return found
}
