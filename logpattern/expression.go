package logpattern

import "strings"

// condition is a part of a JSON or column pattern: comparisons joined by && and ||. look finds the value of a selector.
type condition interface {
	holds(look func(selector) []any) bool
}

type (
	and []condition // all hold
	or  []condition // one holds
)

func (c and) holds(look func(selector) []any) bool {
	for _, part := range c {
		if !part.holds(look) {
			return false
		}
	}
	return true
}

func (c or) holds(look func(selector) []any) bool {
	for _, part := range c {
		if part.holds(look) {
			return true
		}
	}
	return false
}

// parser reads a condition. && binds tighter than ||.
type parser struct {
	rest string
	// selector reads what a comparison begins with.
	selector func(*parser) (selector, error)
	depth    int
}

func (p *parser) space() { p.rest = strings.TrimLeft(p.rest, " \t\r\n") }

// take reports whether word comes next, after spaces, and takes it.
func (p *parser) take(word string) bool {
	p.space()
	rest, ok := strings.CutPrefix(p.rest, word)
	if ok {
		p.rest = rest
	}
	return ok
}

func (p *parser) or() (condition, error) {
	var parts or
	for {
		part, err := p.and()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.take("||") {
			return parts, nil
		}
	}
}

func (p *parser) and() (condition, error) {
	var parts and
	for {
		part, err := p.single()
		if err != nil {
			return nil, err
		}
		parts = append(parts, part)
		if !p.take("&&") {
			return parts, nil
		}
	}
}

func (p *parser) single() (condition, error) {
	if !p.take("(") {
		return p.comparison()
	}
	if p.depth++; p.depth > maxDepth {
		return nil, syntax("more than %d parentheses within each other", maxDepth)
	}
	defer func() { p.depth-- }()
	c, err := p.or()
	if err == nil && !p.take(")") {
		err = syntax("a parenthesis is not closed")
	}
	return c, err
}
