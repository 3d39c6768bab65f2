package logpattern

import (
	"regexp"
	"strconv"
	"strings"
)

// selector names a value: the path of a JSON property, or a column.
type selector []step

// step is a property's name or an index; every stands for all elements.
type step struct {
	name  string
	index int
	kind  stepKind
}

type stepKind int

const (
	property stepKind = iota
	element
	every
)

// comparison compares a value with one of the pattern.
type comparison struct {
	left  selector
	op    string // = != < <= > >= null true false missing
	right operand
}

// operand is the value on a comparison's right.
type operand struct {
	text   string         // may have *
	number float64        // if isNumber
	re     *regexp.Regexp // from %…%

	isNumber bool
}

// comparison reads one comparison.
func (p *parser) comparison() (condition, error) {
	left, err := p.selector(p)
	if err != nil {
		return nil, err
	}
	c := comparison{left: left}
	switch {
	case p.word("NOT"):
		if !p.word("EXISTS") {
			return nil, syntax("NOT is not followed by EXISTS")
		}
		c.op = "missing"
		return c, nil
	case p.word("IS"):
		for _, value := range []string{"NULL", "TRUE", "FALSE"} {
			if p.word(value) {
				c.op = strings.ToLower(value)
				return c, nil
			}
		}
		return nil, syntax("IS is not followed by NULL, TRUE or FALSE")
	}
	for _, op := range []string{"!=", "<=", ">=", "=", "<", ">"} {
		if p.take(op) {
			c.op = op
			c.right, err = p.operand()
			if err == nil && strings.ContainsAny(op, "<>") && !c.right.isNumber {
				err = syntax("%s needs a number", op)
			}
			return c, err
		}
	}
	return nil, syntax("a comparison has no operator")
}

// word is take for a keyword, in any case, that ends where a word does.
func (p *parser) word(w string) bool {
	p.space()
	if len(p.rest) < len(w) || !strings.EqualFold(p.rest[:len(w)], w) {
		return false
	}
	if len(p.rest) > len(w) && !strings.ContainsRune(" \t\r\n)}]&|,", rune(p.rest[len(w)])) {
		return false
	}
	p.rest = p.rest[len(w):]
	return true
}

func (p *parser) operand() (operand, error) {
	p.space()
	switch {
	case strings.HasPrefix(p.rest, `"`):
		text, rest, ok := cutPhrase(p.rest[1:])
		if !ok {
			return operand{}, syntax("a quoted value has no end")
		}
		p.rest = rest
		return operand{text: text}, nil
	case strings.HasPrefix(p.rest, "%"):
		text, rest, ok := strings.Cut(p.rest[1:], "%")
		if !ok {
			return operand{}, syntax("a regular expression has no end")
		}
		p.rest = rest
		re, err := expression(text)
		return operand{re: re}, err
	}
	end := strings.IndexAny(p.rest, " \t\r\n)}]&|,")
	if end < 0 {
		end = len(p.rest)
	}
	if end == 0 {
		return operand{}, syntax("a comparison has no value")
	}
	o := operand{text: p.rest[:end]}
	p.rest = p.rest[end:]
	if n, err := strconv.ParseFloat(o.text, 64); err == nil && strings.ContainsAny(o.text[:1], "+-.0123456789") {
		o.number, o.isNumber = n, true
	}
	return o, nil
}

func (c comparison) holds(look func(selector) []any) bool {
	values := look(c.left)
	if c.op == "missing" {
		return len(values) == 0
	}
	for _, v := range values {
		if c.compare(v) {
			return true
		}
	}
	return false
}

func (c comparison) compare(value any) bool {
	switch c.op {
	case "null":
		return value == nil
	case "true":
		return value == true
	case "false":
		return value == false
	case "=":
		return c.right.is(value)
	case "!=":
		return !c.right.is(value)
	}
	n, ok := asNumber(value)
	if !ok {
		return false
	}
	switch c.op {
	case "<":
		return n < c.right.number
	case "<=":
		return n <= c.right.number
	case ">":
		return n > c.right.number
	}
	return n >= c.right.number
}

// is reports whether a value equals o.
func (o operand) is(value any) bool {
	if n, ok := value.(float64); ok && o.isNumber {
		return n == o.number
	}
	text, ok := asText(value)
	switch {
	case !ok:
		return false
	case o.re != nil:
		return o.re.MatchString(text)
	}
	return glob(o.text, text)
}

func asNumber(value any) (float64, bool) {
	switch v := value.(type) {
	case float64:
		return v, true
	case column:
		n, err := strconv.ParseFloat(string(v), 64)
		return n, err == nil
	}
	return 0, false
}

func asText(value any) (string, bool) {
	switch v := value.(type) {
	case string:
		return v, true
	case column:
		return string(v), true
	case float64:
		return strconv.FormatFloat(v, 'f', -1, 64), true
	case bool:
		return strconv.FormatBool(v), true
	}
	return "", false
}

// glob reports whether text is pattern, in which * stands for any text.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	rest, ok := strings.CutPrefix(text, parts[0])
	if !ok {
		return false
	}
	last := len(parts) - 1
	for _, part := range parts[1:last] {
		if _, rest, ok = strings.Cut(rest, part); !ok {
			return false
		}
	}
	return strings.HasSuffix(rest, parts[last])
}
