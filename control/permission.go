package control

import (
	"bytes"
	"encoding/json"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// Permission is a statement to add to a resource policy, in the words of AddPermission. "" means not given.
type Permission struct {
	StatementID         string
	Action              string // lambda:InvokeFunction, say, lambda:* or *
	Principal           string // *, an account, an ARN, or a service like s3.amazonaws.com
	SourceARN           string
	SourceAccount       string
	EventSourceToken    string
	PrincipalOrgID      string
	FunctionURLAuthType string // NONE or AWS_IAM
	// InvokedViaFunctionURL restricts the statement to invocations by URL, or to those not by URL; nil: all.
	InvokedViaFunctionURL *bool
}

// statement is the form of a permission in a policy. The members stand in the order of AWS's.
type statement struct {
	Sid       string
	Effect    string
	Principal any // "*", or the kind of principal and its name
	Action    string
	Resource  string
	Condition *statementCondition `json:",omitempty"`
}

type statementCondition struct {
	StringEquals map[string]string `json:",omitempty"`
	ArnLike      map[string]string `json:",omitempty"`
	Bool         map[string]string `json:",omitempty"`
}

// text is the permission as a statement about resource, an ARN. Errors: lambda.KindInvalid.
func (p *Permission) text(resource string) (string, error) {
	s := statement{Sid: p.StatementID, Effect: "Allow", Action: p.Action, Resource: resource}
	var err error
	if s.Principal, err = p.principal(); err != nil {
		return "", err
	}
	if p.FunctionURLAuthType != "" && !strings.EqualFold(p.Action, "lambda:InvokeFunctionUrl") {
		return "", lambda.Errorf(lambda.KindInvalid, "FunctionUrlAuthType is only supported for lambda:InvokeFunctionUrl action")
	}
	if p.InvokedViaFunctionURL != nil && !strings.EqualFold(p.Action, "lambda:InvokeFunction") {
		return "", lambda.Errorf(lambda.KindInvalid, "InvokedViaFunctionUrl is only supported for lambda:InvokeFunction action")
	}
	equals := map[string]string{}
	for key, value := range map[string]string{
		"AWS:SourceAccount":           p.SourceAccount,
		policy.KeyEventSourceToken:    p.EventSourceToken,
		policy.KeyFunctionURLAuthType: p.FunctionURLAuthType,
		"aws:PrincipalOrgID":          p.PrincipalOrgID,
	} {
		if value != "" {
			equals[key] = value
		}
	}
	c := statementCondition{StringEquals: equals}
	if p.SourceARN != "" {
		c.ArnLike = map[string]string{"AWS:SourceArn": p.SourceARN}
	}
	if via := p.InvokedViaFunctionURL; via != nil {
		c.Bool = map[string]string{policy.KeyInvokedViaFunctionURL: map[bool]string{true: "true", false: "false"}[*via]}
	}
	if len(c.StringEquals)+len(c.ArnLike)+len(c.Bool) > 0 {
		s.Condition = &c
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return "", err
	}
	return strings.TrimSuffix(b.String(), "\n"), nil
}

// principal is "*", or the one member of a statement's Principal.
func (p *Permission) principal() (any, error) {
	if p.Principal == "*" {
		return "*", nil
	}
	if aws, err := policy.ParsePrincipal(p.Principal); err == nil {
		return map[string]string{"AWS": aws}, nil
	}
	if !strings.Contains(p.Principal, ".") || strings.ContainsAny(p.Principal, ":*?/") {
		return nil, lambda.Errorf(lambda.KindInvalid, "The provided principal was invalid. Please check the principal and try again.")
	}
	return map[string]string{"Service": p.Principal}, nil
}
