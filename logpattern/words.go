package logpattern

import (
	"regexp"
	"strings"
)

// words matches text by what occurs in it. Case matters.
type words struct {
	all  []term // must occur
	some []term // one of them must occur, if there are any
	none []term // must not occur
}

// term is a word or phrase, or a regular expression.
type term struct {
	text string
	re   *regexp.Regexp // nil: text is meant as it is
}

func (t term) in(message string) bool {
	if t.re != nil {
		return t.re.MatchString(message)
	}
	return strings.Contains(message, t.text)
}

// parseWords reads words, "quoted phrases" and %regular expressions% separated by spaces, each with an optional ? or -
// before it. Inside quotes \" and \\ are escapes.
func parseWords(s string) (matcher, error) {
	w := &words{}
	for rest := s; rest != ""; rest = strings.TrimLeft(rest, " \t\r\n") {
		list := &w.all
		switch rest[0] {
		case '?':
			list, rest = &w.some, rest[1:]
		case '-':
			list, rest = &w.none, rest[1:]
		}
		t, after, err := cutTerm(rest)
		if err != nil {
			return nil, err
		}
		*list, rest = append(*list, t), after
	}
	return w, nil
}

// cutTerm returns the term that s begins with and what comes after.
func cutTerm(s string) (t term, rest string, err error) {
	switch {
	case strings.HasPrefix(s, `"`):
		text, rest, ok := cutPhrase(s[1:])
		if !ok {
			return t, "", syntax("a quoted phrase has no end")
		}
		if text == "" {
			return t, "", syntax("it has an empty phrase")
		}
		return term{text: text}, rest, nil
	case strings.HasPrefix(s, "%"):
		text, rest, ok := strings.Cut(s[1:], "%")
		if !ok {
			return t, "", syntax("a regular expression has no end")
		}
		re, err := expression(text)
		return term{re: re}, rest, err
	}
	end := strings.IndexAny(s, " \t\r\n\"")
	if end < 0 {
		end = len(s)
	}
	if end == 0 {
		return t, "", syntax("it has an empty word")
	}
	return term{text: s[:end]}, s[end:], nil
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

func (w *words) matches(message string) bool {
	for _, t := range w.all {
		if !t.in(message) {
			return false
		}
	}
	for _, t := range w.none {
		if t.in(message) {
			return false
		}
	}
	for _, t := range w.some {
		if t.in(message) {
			return true
		}
	}
	return len(w.some) == 0
}
