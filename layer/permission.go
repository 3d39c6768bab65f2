package layer

import (
	"context"
	"encoding/json"
	"errors"
	"slices"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Action is what permissions of layers are for, and the only thing.
const Action = "lambda:GetLayerVersion"

// Everyone is the principal that stands for all accounts.
const Everyone = "*"

// Permission lets an account use a version.
type Permission struct {
	ID        string `json:"id"`        // the statement's, unique in its policy
	Principal string `json:"principal"` // the account's 12 digits, or Everyone
}

// permits reports whether another account may use the version.
func (v *Version) permits(account string) bool {
	return slices.ContainsFunc(v.Permissions, func(p Permission) bool { return p.Principal == Everyone || p.Principal == account })
}

// maxPolicyBytes bounds the policy of a version. Source: AWS Lambda developer guide, "Lambda quotas", resource-based policy.
const maxPolicyBytes = 20 << 10

// Permit adds a permission to a version of the account's own and returns it as a policy's statement, and the policy's new
// revision. revision is that which the policy must have, "" for any. Errors: lambda.KindNotFound, KindConflict if the
// policy has a statement of that id, KindPrecondition, KindPolicyLength.
func (l *Layers) Permit(ctx context.Context, ref lambda.LayerRef, p Permission, revision string) (statement, next string, err error) {
	changed, err := l.change(ctx, ref, revision, func(list []Permission) ([]Permission, error) {
		if slices.ContainsFunc(list, func(have Permission) bool { return have.ID == p.ID }) {
			return nil, lambda.Errorf(lambda.KindConflict, "The statement id (%s) provided already exists. Please provide a new statement id, "+
				"or remove the existing statement.", p.ID)
		}
		list = append(list, p)
		if n := len(document(ref, list)); n > maxPolicyBytes {
			return nil, lambda.Errorf(lambda.KindPolicyLength, "The final policy size (%d) is bigger than the limit (%d).", n, maxPolicyBytes)
		}
		return list, nil
	})
	if err != nil {
		return "", "", err
	}
	return encode(statementOf(ref, p)), changed.PolicyRevision, nil
}

// Forbid removes a permission from a version of the account's own. Errors: lambda.KindNotFound, KindPrecondition.
func (l *Layers) Forbid(ctx context.Context, ref lambda.LayerRef, id, revision string) error {
	_, err := l.change(ctx, ref, revision, func(list []Permission) ([]Permission, error) {
		at := slices.IndexFunc(list, func(p Permission) bool { return p.ID == id })
		if at < 0 {
			return nil, lambda.Errorf(lambda.KindNotFound, "Statement %s is not found in resource policy.", id)
		}
		return slices.Delete(list, at, at+1), nil
	})
	return err
}

// change has the permissions of a version replaced by what f makes of a copy of them.
func (l *Layers) change(ctx context.Context, ref lambda.LayerRef, revision string, f func([]Permission) ([]Permission, error)) (*Version, error) {
	for range maxRaces {
		item, ok := l.versions.Get(ref.Account, versionID(ref.Name, ref.Version))
		if !ok {
			return nil, lambda.Errorf(lambda.KindNotFound, "Layer version %s does not exist.", ref.ARN())
		}
		if revision != "" && revision != item.Value.PolicyRevision {
			return nil, lambda.Errorf(lambda.KindPrecondition, "The Revision Id provided does not match the latest Revision Id. "+
				"Call the GetLayerVersionPolicy API to retrieve the latest Revision Id")
		}
		list, err := f(slices.Clone(item.Value.Permissions))
		if err != nil {
			return nil, err
		}
		item.Value.Permissions, item.Value.PolicyRevision = list, uuid.NewString()
		if err := l.versions.Update(ctx, item); !errors.Is(err, store.ErrStale) {
			return &item.Value, err
		}
	}
	return nil, tooManyChanges(ref)
}

// Policy returns the permissions of a version of the account's own as the JSON text of a resource policy, and its
// revision. Error: lambda.KindNotFound, also if there are none.
func (l *Layers) Policy(ref lambda.LayerRef) (text, revision string, err error) {
	item, ok := l.versions.Get(ref.Account, versionID(ref.Name, ref.Version))
	if !ok {
		return "", "", lambda.Errorf(lambda.KindNotFound, "Layer version %s does not exist.", ref.ARN())
	}
	if len(item.Value.Permissions) == 0 {
		return "", "", lambda.Errorf(lambda.KindNotFound, "No policy is associated with the given resource.")
	}
	return document(ref, item.Value.Permissions), item.Value.PolicyRevision, nil
}

// The policy's JSON. Source: AWS Lambda developer guide, "Working with resource-based IAM policies", layers.
type policy struct {
	Version   string
	ID        string `json:"Id"`
	Statement []statement
}

type statement struct {
	Sid, Effect string
	Principal   any
	Action      string
	Resource    string
}

func statementOf(ref lambda.LayerRef, p Permission) statement {
	s := statement{Sid: p.ID, Effect: "Allow", Principal: p.Principal, Action: Action, Resource: ref.ARN()}
	if p.Principal != Everyone {
		s.Principal = map[string]string{"AWS": "arn:aws:iam::" + p.Principal + ":root"}
	}
	return s
}

func document(ref lambda.LayerRef, list []Permission) string {
	p := policy{Version: "2012-10-17", ID: "default"}
	for _, permission := range list {
		p.Statement = append(p.Statement, statementOf(ref, permission))
	}
	return encode(p)
}

func encode(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		panic(err) // only strings
	}
	return string(b)
}
