package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// maxDepth is the deepest nesting of a policy's JSON: document, statements, statement, condition, operator, values.
const maxDepth = 8

// checkNames refuses objects that have a member twice, in whatever case: readers would differ in which of them counts.
func checkNames(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	type level struct {
		names map[string]bool // nil in a list
		name  bool            // the next token is a member's name
	}
	var stack []level
	for {
		token, err := dec.Token()
		if err != nil {
			return nil // whoever decodes the text meets the same error
		}
		top := len(stack) - 1
		if name, ok := token.(string); ok && top >= 0 && stack[top].name {
			name = strings.ToLower(name)
			if stack[top].names[name] {
				return fmt.Errorf("the member %q stands there twice", token)
			}
			stack[top].names[name], stack[top].name = true, false
			continue
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			stack = stack[:top]
			continue
		}
		if top >= 0 && stack[top].names != nil {
			stack[top].name = true // this was the member's value, or begins it
		}
		switch token {
		case json.Delim('{'):
			stack = append(stack, level{names: map[string]bool{}, name: true})
		case json.Delim('['):
			stack = append(stack, level{})
		}
		if len(stack) > maxDepth {
			return errors.New("the policy is nested too deeply")
		}
	}
}

// rawList is a value or a list of values.
type rawList []json.RawMessage

func (l *rawList) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]json.RawMessage)(l))
	}
	*l = rawList{bytes.Clone(b)}
	return nil
}

// texts is a string or a list of strings; not nil once it was given.
type texts []string

func (l *texts) UnmarshalJSON(b []byte) error {
	var raw rawList
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*l = texts{}
	for _, r := range raw {
		if r[0] != '"' {
			return errors.New("expected a string or a list of strings")
		}
		var s string
		if err := json.Unmarshal(r, &s); err != nil {
			return err
		}
		if err := checkText(s); err != nil {
			return err
		}
		*l = append(*l, s)
	}
	return nil
}

// values is what a condition compares with: strings, numbers and booleans, alone or in a list.
type values []string

func (l *values) UnmarshalJSON(b []byte) error {
	var raw rawList
	if err := json.Unmarshal(b, &raw); err != nil {
		return err
	}
	*l = values{}
	for _, r := range raw {
		s := string(r)
		switch {
		case r[0] == '"':
			if err := json.Unmarshal(r, &s); err != nil {
				return err
			}
			if err := checkText(s); err != nil {
				return err
			}
		case r[0] == '{' || r[0] == '[' || s == "null":
			return errors.New("a condition's values must be strings, numbers or booleans")
		}
		*l = append(*l, s)
	}
	return nil
}

// checkText refuses the one character that patterns use for themselves.
func checkText(s string) error {
	if strings.ContainsRune(s, literal) {
		return errors.New("a policy must not contain the character U+0000")
	}
	return nil
}
