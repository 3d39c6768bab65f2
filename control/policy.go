package control

import (
	"context"
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
	"thaw.dev/thaw/store"
)

// AddPermission adds a statement to the resource policy of a function, a version or an alias, and returns its JSON text.
// revisionID, if given, must be the policy's or its bearer's. Errors: lambda.KindNotFound, KindInvalid, KindConflict if the
// policy has a statement of that id, KindPrecondition, KindPolicyLength.
func (s *Functions) AddPermission(ctx context.Context, account, name, qualifier string, p Permission, revisionID *string) (string, error) {
	if err := noLatest(qualifier); err != nil {
		return "", err
	}
	text, err := p.text(s.arn(account, name, qualifier))
	if err != nil {
		return "", err
	}
	err = s.changePolicy(ctx, account, name, qualifier, revisionID, func(d *policy.Document) (*policy.Document, error) {
		if d == nil {
			d = &policy.Document{Version: "2012-10-17", ID: "default"}
		}
		if slices.ContainsFunc(d.Statements, func(st policy.Statement) bool { return st.Sid == p.StatementID }) {
			return nil, lambda.Errorf(lambda.KindConflict, "The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", p.StatementID)
		}
		next := *d
		next.Statements = append(slices.Clone(d.Statements), policy.Statement{Sid: p.StatementID, Text: []byte(text)})
		return &next, nil
	})
	return text, err
}

// RemovePermission removes a statement of a resource policy; without statements there is no policy. Errors:
// lambda.KindNotFound also for the statement, KindPrecondition.
func (s *Functions) RemovePermission(ctx context.Context, account, name, qualifier, statementID string, revisionID *string) error {
	if err := noLatest(qualifier); err != nil {
		return err
	}
	return s.changePolicy(ctx, account, name, qualifier, revisionID, func(d *policy.Document) (*policy.Document, error) {
		if d == nil {
			return nil, lambda.Errorf(lambda.KindNotFound, "No policy is associated with the given resource.")
		}
		next := *d
		next.Statements = slices.DeleteFunc(slices.Clone(d.Statements), func(st policy.Statement) bool { return st.Sid == statementID })
		if len(next.Statements) == len(d.Statements) {
			return nil, lambda.Errorf(lambda.KindNotFound, "Statement %s is not found in resource policy.", statementID)
		}
		return &next, nil
	})
}

// PutPolicy replaces the whole resource policy with document, a JSON text all of whose statements must be about the very
// ARN that they are attached to. Errors: lambda.KindNotFound, KindInvalid, KindPrecondition, KindPolicyLength.
func (s *Functions) PutPolicy(ctx context.Context, account, name, qualifier, document string, revisionID *string) (*lambda.Policy, error) {
	d, err := policy.Parse([]byte(document), policy.Resource)
	if len(document) > policy.MaxBytes {
		return nil, tooLong(len(document))
	}
	if err != nil {
		return nil, lambda.Errorf(lambda.KindInvalid, "The provided policy is not valid: %s", shorten(err.Error()))
	}
	arn := s.arn(account, name, qualifier)
	for i := range d.Statements {
		if !d.Statements[i].About(arn) {
			return nil, lambda.Errorf(lambda.KindInvalid, "The provided policy is not valid: statement %d: the Resource must be %s", i+1, arn)
		}
	}
	if err := s.changePolicy(ctx, account, name, qualifier, revisionID, func(*policy.Document) (*policy.Document, error) { return d, nil }); err != nil {
		return nil, err
	}
	return s.PolicyText(account, name, qualifier)
}

// DeletePolicy removes the whole resource policy. Errors: lambda.KindNotFound also if there is none, KindPrecondition.
func (s *Functions) DeletePolicy(ctx context.Context, account, name, qualifier string, revisionID *string) error {
	return s.changePolicy(ctx, account, name, qualifier, revisionID, func(d *policy.Document) (*policy.Document, error) {
		if d == nil {
			return nil, noPolicy()
		}
		return &policy.Document{}, nil
	})
}

// PolicyText returns the resource policy of a function, a version or an alias. Errors: lambda.KindNotFound, also if there
// is none.
func (s *Functions) PolicyText(account, name, qualifier string) (*lambda.Policy, error) {
	q, err := s.qualified(account, name, qualifier)
	if err == nil && q.Policy == nil {
		err = noPolicy()
	}
	return q.Policy, err
}

// Policy returns the resource policy that decides about a function, version or alias; nil if there is none, also for what
// does not exist. It allocates nothing. An error means that the stored text cannot be read: nobody may pass then.
func (s *Functions) Policy(account, name, qualifier string) (*policy.Document, error) {
	f, ok := s.store.Get(account, name)
	if !ok || f.Qualified == nil {
		return nil, nil
	}
	p := f.For(qualifier).Policy
	if p == nil {
		return nil, nil
	}
	return s.policies.parse(p.Document)
}

// changePolicy has change make the next policy of the present one, nil if there is none, and stores it.
func (s *Functions) changePolicy(ctx context.Context, account, name, qualifier string, revisionID *string,
	change func(*policy.Document) (*policy.Document, error),
) error {
	return s.qualify(ctx, account, name, qualifier, func(f *store.Function, q *lambda.Qualified, rev string) error {
		if q.Policy == nil || revisionID == nil || *revisionID != q.Policy.RevisionID {
			if err := policyRevision(s.revisionOf(f, qualifier), revisionID); err != nil {
				return err
			}
		}
		var old *policy.Document
		if q.Policy != nil {
			var err error
			if old, err = s.policies.parse(q.Policy.Document); err != nil {
				return err
			}
		}
		next, err := change(old)
		if err != nil {
			return err
		}
		if q.Policy = nil; len(next.Statements) == 0 {
			return nil
		}
		text := next.String()
		if len(text) > lambda.MaxPolicyBytes {
			return tooLong(len(text))
		}
		q.Policy = &lambda.Policy{Document: text, RevisionID: rev}
		return nil
	})
}

func policyRevision(have string, want *string) error {
	if revision(have, want) == nil {
		return nil
	}
	return lambda.Errorf(lambda.KindPrecondition, "The Revision Id provided does not match the latest Revision Id. Call the GetPolicy API to retrieve the latest Revision Id")
}

func tooLong(length int) error {
	return lambda.Errorf(lambda.KindPolicyLength, "The final policy size (%d) is bigger than the limit (%d).", length, lambda.MaxPolicyBytes)
}

func noPolicy() error {
	return lambda.Errorf(lambda.KindNotFound, "The resource you requested does not exist.")
}

func noLatest(qualifier string) error {
	if strings.HasPrefix(qualifier, lambda.Latest) {
		return lambda.Errorf(lambda.KindInvalid, "We currently do not support adding policies for $LATEST.")
	}
	return nil
}
