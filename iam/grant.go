package iam

import (
	"encoding/json"
	"strings"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/policy"
)

// grant is what a role may do, parsed.
type grant struct {
	generation uint64
	id         string // the role's; "" if there is no such role
	arn        string
	documents  []*policy.Document
}

type roleKey struct{ account, name string }

// grant returns what the account's role of that name may do.
func (d *Directory) grant(k roleKey) *grant {
	at := d.generation.Load() // before what it is for is read
	if known, ok := d.grants.Load(k); ok && known.(*grant).generation == at {
		return known.(*grant)
	}
	g := &grant{generation: at}
	item, ok := d.roles.Get(k.account, k.name)
	if !ok {
		return g // not kept: anybody can make up names
	}
	g.id, g.arn = item.Value.ID, item.Value.ARN
	for _, text := range item.Value.Inline {
		g.add(text)
	}
	for _, arn := range item.Value.Attached {
		if p, err := d.GetPolicy(k.account, arn); err == nil {
			g.add(p.Document())
		}
	}
	d.grants.Store(k, g)
	return g
}

// add adds a document. One that cannot be read was checked by another release; it must not allow less than nothing, so
// everything is denied.
func (g *grant) add(text string) {
	document, err := policy.Parse([]byte(text), policy.Identity)
	if err != nil {
		document, _ = policy.Parse([]byte(`{"Version":"2012-10-17","Statement":{"Effect":"Deny","Action":"*","Resource":"*"}}`), policy.Identity)
	}
	g.documents = append(g.documents, document)
}

// PoliciesOf returns the identity policies of a caller: those of the role that a session has. They are empty for an
// account's own key, which needs none. A session policy is not among them, as it restricts what they allow: Decide minds
// it.
func (d *Directory) PoliciesOf(id auth.Identity) []*policy.Document {
	account, name, ok := parseRole(id.Role)
	if !ok {
		return nil
	}
	g := d.grant(roleKey{account, recordID(name)})
	session, _, _ := strings.Cut(id.UserID, ":")
	made := unknownID("AROA", id.Role)
	switch {
	case g.id == "" && session == made: // never existed, while the session did
		return d.unknownRole(id.AccountID)
	case g.arn == id.Role && (g.id == session || session == made):
		return g.documents
	}
	return nil // the session's role was deleted, and maybe replaced by another of its name
}

// Decide says what a caller's own policies say about a request, whose Principal is not looked at: Allow or Deny, or Neither
// if nothing allows it, which may still be allowed by the policy of the resource. For an account's own key it is Allow.
func (d *Directory) Decide(id auth.Identity, r *policy.Request) policy.Decision {
	decision := policy.Allow
	if id.Role != "" {
		decision = policy.Neither
		for _, document := range d.PoliciesOf(id) {
			decision = max(decision, document.Evaluate(r))
		}
	}
	if id.Policy == "" || decision == policy.Deny {
		return decision
	}
	document, err := policy.Parse([]byte(id.Policy), policy.Identity)
	if err != nil {
		return policy.Deny // it was good when the session began
	}
	if limit := document.Evaluate(r); limit != policy.Allow {
		return limit // Deny or Neither: not beyond what the session policy allows
	}
	return decision
}

// unknownRole is what functions may do whose execution role does not exist: invoke the functions of their account, keep
// the state of durable executions, and write logs.
func (d *Directory) unknownRole(account string) []*policy.Document {
	functions := "arn:aws:lambda:" + d.region + ":" + account + ":function:*"
	text, err := json.Marshal(map[string]any{"Version": "2012-10-17", "Statement": []any{
		map[string]any{"Effect": "Allow", "Action": []string{"lambda:InvokeFunction", "lambda:InvokeAsync", "lambda:CheckpointDurableExecution", "lambda:GetDurableExecutionState"}, "Resource": functions},
		map[string]any{"Effect": "Allow", "Action": logsWrite, "Resource": "arn:aws:logs:" + d.region + ":" + account + ":*"},
	}})
	if err != nil {
		panic(err) // only strings
	}
	var g grant
	g.add(string(text))
	return g.documents
}
