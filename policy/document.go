package policy

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// MaxBytes is the length of the longest document that Parse takes: no kind of policy may be longer than a managed policy
// with all its white space.
const MaxBytes = 64 << 10

// Kind is what a document is attached to. It decides which elements the document must and must not have.
type Kind int

// Kinds of document.
const (
	Identity Kind = iota // of a role: no Principal, with Resource
	Resource             // of a function: with Principal and Resource
	Trust                // who may assume a role: with Principal, no Resource
)

// Document is a parsed policy.
type Document struct {
	Version    string // "2012-10-17", or "2008-10-17", which has no variables
	ID         string
	Statements []Statement
}

// Statement is one statement of a policy.
type Statement struct {
	Sid  string
	Deny bool            // the effect: Deny, or Allow
	Text json.RawMessage // as it was written, without white space

	principals   []principal // nil in an identity policy
	notPrincipal bool
	actions      []string
	notAction    bool
	resources    []string // nil in a trust policy
	notResource  bool
	conditions   []condition
	unknownKey   bool // a condition has a key that is never supplied
}

// wire shapes; every member that may be a single value or a list is a list here.
type wireDocument struct {
	Version   *string `json:"Version"`
	ID        string  `json:"Id"`
	Statement rawList `json:"Statement"`
}

type wireStatement struct {
	Sid          string
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Action       texts
	NotAction    texts
	Resource     texts
	NotResource  texts
	Condition    map[string]map[string]values
}

// Parse reads a document of the given kind. Its errors say what is wrong, for the one who wrote it.
func Parse(text []byte, kind Kind) (*Document, error) {
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("the policy is longer than %d bytes", MaxBytes)
	}
	if err := checkNames(text); err != nil {
		return nil, err
	}
	var w wireDocument
	if err := decode(text, &w); err != nil {
		return nil, err
	}
	d := &Document{Version: "2008-10-17", ID: w.ID}
	if w.Version != nil {
		d.Version = *w.Version
	}
	if d.Version != "2012-10-17" && d.Version != "2008-10-17" {
		return nil, fmt.Errorf("the policy's Version must be 2012-10-17 or 2008-10-17, not %q", d.Version)
	}
	if len(w.Statement) == 0 {
		return nil, errors.New("the policy has no Statement")
	}
	sids := map[string]bool{}
	for i, raw := range w.Statement {
		s, err := parseStatement(raw, kind, d.Version == "2012-10-17")
		if err != nil {
			return nil, fmt.Errorf("statement %d: %w", i+1, err)
		}
		if s.Sid != "" && sids[s.Sid] {
			return nil, fmt.Errorf("two statements have the Sid %q", s.Sid)
		}
		sids[s.Sid] = true
		d.Statements = append(d.Statements, s)
	}
	return d, nil
}

func parseStatement(raw json.RawMessage, kind Kind, variables bool) (Statement, error) {
	var w wireStatement
	if err := decode(raw, &w); err != nil {
		return Statement{}, err
	}
	s := Statement{Sid: w.Sid, Deny: w.Effect == "Deny"}
	if w.Effect != "Allow" && w.Effect != "Deny" {
		return s, fmt.Errorf("the Effect must be Allow or Deny, not %q", w.Effect)
	}
	var err error
	if s.principals, s.notPrincipal, err = statementPrincipals(w, kind); err != nil {
		return s, err
	}
	if s.notPrincipal && !s.Deny {
		return s, errors.New("NotPrincipal is for the Effect Deny only")
	}
	if s.actions, s.notAction, err = either("Action", w.Action, w.NotAction); err != nil {
		return s, err
	}
	for _, a := range s.actions {
		if service, _, ok := strings.Cut(a, ":"); a != "*" && (!ok || service == "") {
			return s, fmt.Errorf("the action %q must have the form service:Operation", a)
		}
	}
	if kind == Trust {
		if w.Resource != nil || w.NotResource != nil {
			return s, errors.New("a trust policy must not have a Resource")
		}
	} else if s.resources, s.notResource, err = either("Resource", w.Resource, w.NotResource); err != nil {
		return s, err
	}
	if s.conditions, err = parseConditions(w.Condition, variables); err != nil {
		return s, err
	}
	s.unknownKey = slices.ContainsFunc(s.conditions, func(c condition) bool { return !knownKey(c.key) })
	if s.unknownKey && kind == Resource {
		i := slices.IndexFunc(s.conditions, func(c condition) bool { return !knownKey(c.key) })
		return s, fmt.Errorf("the condition key %q is not supported", s.conditions[i].key)
	}
	if !variables {
		for i := range s.resources {
			s.resources[i] = quoteVariables(s.resources[i])
		}
	}
	for _, r := range s.resources {
		if err := checkVariables(r); err != nil {
			return s, err
		}
	}
	var b bytes.Buffer
	err = json.Compact(&b, raw)
	s.Text = b.Bytes()
	return s, err
}

func either(name string, list, not texts) ([]string, bool, error) {
	switch {
	case list != nil && not != nil:
		return nil, false, fmt.Errorf("a statement cannot have both %s and Not%s", name, name)
	case len(list) > 0:
		return list, false, nil
	case len(not) > 0:
		return not, true, nil
	}
	return nil, false, fmt.Errorf("the statement has no %s", name)
}

// String returns the document's JSON text: Version, Id if it has one, and the statements as they were written.
func (d *Document) String() string {
	var b strings.Builder
	version, _ := json.Marshal(d.Version)
	b.WriteString(`{"Version":` + string(version))
	if d.ID != "" {
		id, _ := json.Marshal(d.ID)
		b.WriteString(`,"Id":` + string(id))
	}
	b.WriteString(`,"Statement":[`)
	for i, s := range d.Statements {
		if i > 0 {
			b.WriteByte(',')
		}
		b.Write(s.Text)
	}
	b.WriteString("]}")
	return b.String()
}

// decode reads exactly one JSON value into v and refuses members that v does not have.
func decode(text []byte, v any) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(v); err != nil {
		if _, ok := errors.AsType[*json.SyntaxError](err); ok || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return errors.New("the policy is not valid JSON")
		}
		return errors.New(strings.TrimPrefix(err.Error(), "json: "))
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return errors.New("the policy is followed by something else")
	}
	return nil
}
