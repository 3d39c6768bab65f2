package logpattern

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
)

// ErrSyntax is returned, wrapped, for a pattern that makes no sense. Its text is for the caller.
var ErrSyntax = errors.New("invalid filter pattern")

const (
	// MaxBytes is the length of the longest pattern. Source: CloudWatch Logs API, FilterLogEvents, "filterPattern".
	MaxBytes = 1024
	// maxDepth bounds parentheses within each other.
	maxDepth = 32
)

// Pattern is a filter pattern. The zero Pattern matches everything.
type Pattern struct{ is matcher }

// matcher is one of the kinds of pattern.
type matcher interface{ matches(message string) bool }

// Parse reads a pattern; "" matches everything. The error wraps ErrSyntax.
func Parse(s string) (Pattern, error) {
	if len(s) > MaxBytes {
		return Pattern{}, syntax("it is longer than %d characters", MaxBytes)
	}
	s = strings.TrimSpace(s)
	var m matcher
	var err error
	switch {
	case s == "":
		return Pattern{}, nil
	case s[0] == '{':
		m, err = parseJSON(s)
	case s[0] == '[':
		m, err = parseColumns(s)
	default:
		m, err = parseWords(s)
	}
	if err != nil {
		return Pattern{}, err
	}
	return Pattern{m}, nil
}

// Matches reports whether the event with that text matches.
func (p Pattern) Matches(message string) bool { return p.is == nil || p.is.matches(message) }

func syntax(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrSyntax, fmt.Sprintf(format, args...))
}

// expression reads a regular expression.
func expression(s string) (*regexp.Regexp, error) {
	re, err := regexp.Compile(s)
	if err != nil {
		return nil, syntax("the regular expression %%%s%% is not valid", s)
	}
	return re, nil
}
