package control

import (
	"context"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Signing are the code signing configurations of all accounts; package signing has the implementation.
type Signing interface {
	// Enforced reports whether the account's configuration of that ARN refuses code that is not signed. Without such a
	// configuration it fails with lambda.KindNoCodeSigning.
	Enforced(account, arn string) (bool, error)
}

// checkSigned refuses code and layers for a function whose code signing configuration, arn or "", wants them signed: none
// are. Source of the text: answers of AWS Lambda.
func (s *Functions) checkSigned(account, name, arn string) error {
	if arn == "" {
		return nil
	}
	enforced, err := s.signing.Enforced(account, arn)
	if err != nil {
		return err
	}
	if enforced {
		return lambda.Errorf(lambda.KindCodeVerification, "Lambda cannot deploy the function. The function or layer might be signed using a signature "+
			"that the client is not configured to accept. Check the provided signature for %s.", name)
	}
	s.log.Warn("unsigned code deployed to a function with a code signing configuration", "account", account, "function", name, "config", arn)
	return nil
}

// SetCodeSigning gives a function the code signing configuration of that ARN, "" for none. It holds for what is deployed
// from then on. Errors: lambda.KindNotFound, KindNoCodeSigning.
func (s *Functions) SetCodeSigning(ctx context.Context, account, name, arn string) error {
	return s.limit(ctx, func() error {
		if _, ok := s.store.Get(account, name); !ok {
			return s.notFound(account, name, "")
		}
		if arn != "" {
			if _, err := s.signing.Enforced(account, arn); err != nil {
				return err
			}
		}
		_, _, err := s.write(ctx, account, name, func(f store.Function) (store.Function, *store.Version, error) {
			f.CodeSigning = arn
			return f, nil, nil
		})
		return err
	})
}

// putSigned is put for a new function with a code signing configuration, which must still exist.
func (s *Functions) putSigned(ctx context.Context, f store.Function, v *store.Version) (stored store.Function, published *lambda.Config, err error) {
	if f.CodeSigning == "" {
		return s.put(ctx, f, v)
	}
	err = s.limit(ctx, func() error {
		if _, err := s.signing.Enforced(f.Config.Account, f.CodeSigning); err != nil {
			return err
		}
		stored, published, err = s.put(ctx, f, v)
		return err
	})
	return stored, published, err
}

// Signing returns up to limit names of the account's functions that have the code signing configuration of that ARN,
// beginning behind the name after ("": from the start). more says whether others follow.
func (s *Functions) Signing(account, arn, after string, limit int) (names []string, more bool) {
	for {
		page, others := s.List(account, after, 1000)
		for _, f := range page {
			if f.CodeSigning != arn {
				continue
			}
			if len(names) == limit {
				return names, true
			}
			names = append(names, f.Config.Name)
		}
		if !others {
			return names, false
		}
		after = page[len(page)-1].Config.Name
	}
}

// IfNotSigning runs remove, which deletes the code signing configuration of that ARN, unless a function has it:
// lambda.KindConflict. No function gets it meanwhile.
func (s *Functions) IfNotSigning(ctx context.Context, account, arn string, remove func() error) error {
	return s.limit(ctx, func() error {
		if used, _ := s.Signing(account, arn, "", 1); len(used) > 0 {
			return lambda.Errorf(lambda.KindConflict, "The code signing configuration cannot be deleted because it is attached to functions: %s", used[0])
		}
		return remove()
	})
}
