package store

import (
	"fmt"
	"strings"
)

// encodeToken makes s one token of a subject: letters, digits, '-' and '_' stand for themselves, every other byte
// becomes '=' and two hexadecimal digits, and "" is a lone '='. Different strings give different tokens.
func encodeToken(s string) string {
	if s == "" {
		return "="
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02X", c)
		}
	}
	return b.String()
}

// decodeToken undoes encodeToken; false if it did not make token.
func decodeToken(token string) (string, bool) {
	if token == "=" {
		return "", true
	}
	var b strings.Builder
	for i := 0; i < len(token); i++ {
		c := token[i]
		if c == '=' {
			if i+2 >= len(token) {
				return "", false
			}
			if _, err := fmt.Sscanf(token[i+1:i+3], "%02X", &c); err != nil {
				return "", false
			}
			i += 2
		}
		b.WriteByte(c)
	}
	s := b.String()
	return s, token != "" && encodeToken(s) == token
}

func plain(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '-' || c == '_'
}
