package store

import (
	"fmt"
	"strings"
)

// logPattern is a filter pattern for unstructured events.
// Source: CloudWatch Logs user guide, "Filter pattern syntax", "Match terms in unstructured log events".
type logPattern struct {
	all  []string // must occur
	some []string // one of them must occur, if there are any
	none []string // must not occur
}

// parsePattern reads words and "quoted phrases" separated by spaces, each with an optional ? or - before it. Inside
// quotes \" and \\ are escapes. Patterns for JSON, for columns and regular expressions give ErrBadPattern.
func parsePattern(s string) (logPattern, error) {
	var p logPattern
	for rest := strings.TrimSpace(s); rest != ""; rest = strings.TrimLeft(rest, " \t") {
		list := &p.all
		switch {
		case strings.ContainsRune("{[%", rune(rest[0])):
			return p, fmt.Errorf("%w: only words and quoted phrases are", ErrBadPattern)
		case rest[0] == '?':
			list, rest = &p.some, rest[1:]
		case rest[0] == '-':
			list, rest = &p.none, rest[1:]
		}
		var word string
		if strings.HasPrefix(rest, `"`) {
			var ok bool
			if word, rest, ok = cutPhrase(rest[1:]); !ok {
				return p, fmt.Errorf("%w: a quoted phrase has no end", ErrBadPattern)
			}
		} else {
			end := strings.IndexAny(rest, " \t\"")
			if end < 0 {
				end = len(rest)
			}
			word, rest = rest[:end], rest[end:]
		}
		if word == "" {
			return p, fmt.Errorf("%w: it has an empty word", ErrBadPattern)
		}
		*list = append(*list, word)
	}
	return p, nil
}

// cutPhrase returns the phrase that s begins with, without its closing quote, and what comes after.
func cutPhrase(s string) (phrase, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"':
			return b.String(), s[i+1:], true
		case c == '\\' && i+1 < len(s) && (s[i+1] == '"' || s[i+1] == '\\'):
			i++
			b.WriteByte(s[i])
		default:
			b.WriteByte(c)
		}
	}
	return "", "", false
}

func (p *logPattern) matches(message string) bool {
	for _, word := range p.all {
		if !strings.Contains(message, word) {
			return false
		}
	}
	for _, word := range p.none {
		if strings.Contains(message, word) {
			return false
		}
	}
	for _, word := range p.some {
		if strings.Contains(message, word) {
			return true
		}
	}
	return len(p.some) == 0
}
