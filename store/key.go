package store

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// recordKey names a record: a function, or with id and number a version of one.
type recordKey struct {
	account, name string
	id            string // the version's lineage; "" for a function
	number        int    // of the version, from 1; 0 for a function
}

// lineage names all versions of one function.
type lineage struct{ account, name, id string }

func (k recordKey) lineage() lineage { return lineage{k.account, k.name, k.id} }

func (k recordKey) check() error {
	if k.account == "" || k.name == "" {
		return errors.New("account and name must not be empty")
	}
	return nil
}

// subject is where in the bucket's stream a record is.
func subject(k recordKey) string { return "$KV." + metaBucket + "." + formatKey(k) }

// formatKey is a record's key in the bucket: fn.<account>.<name>, or version.<account>.<name>.<lineage>.<number>.
func formatKey(k recordKey) string {
	if k.number == 0 {
		return "fn." + encodeToken(k.account) + "." + encodeToken(k.name)
	}
	return "version." + encodeToken(k.account) + "." + encodeToken(k.name) + "." + encodeToken(k.id) + "." + strconv.Itoa(k.number)
}

// parseKey undoes formatKey; false for the key of another kind of record.
func parseKey(s string) (recordKey, bool) {
	kind, rest, _ := strings.Cut(s, ".")
	part := strings.Split(rest, ".")
	if !(kind == "fn" && len(part) == 2) && !(kind == "version" && len(part) == 4) {
		return recordKey{}, false
	}
	var k recordKey
	for i, to := range []*string{&k.account, &k.name, &k.id}[:min(len(part), 3)] {
		text, ok := decodeToken(part[i])
		if !ok {
			return recordKey{}, false
		}
		*to = text
	}
	if kind == "version" {
		k.number, _ = strconv.Atoi(part[3])
	}
	return k, kind == "fn" || (k.number > 0 && formatKey(k) == s)
}

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
