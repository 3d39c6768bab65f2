package control

import (
	"context"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

const belowMinimum = "decreases account's UnreservedConcurrentExecution below its minimum value of [%d]."

// Reserve sets a function's reserved concurrency, n from 0, which is in force when Reserve returns. Errors:
// lambda.KindNotFound, KindInvalid if too little would be left for other functions, or n is less than the function's
// provisioned concurrency.
func (s *Functions) Reserve(ctx context.Context, account, name string, n int) error {
	return s.limit(ctx, func() error {
		f, ok := s.store.Get(account, name)
		if !ok {
			return s.notFound(account, name, "")
		}
		had := 0
		left := s.unreservedWithout(&f)
		if f.Reserved != nil {
			had = *f.Reserved
		}
		if p := s.provisionedTotal(account, name); n < p {
			return lambda.Errorf(lambda.KindInvalid,
				"Specified ReservedConcurrentExecutions for function should not be lower than function's total provisioned concurrency [%d].", p)
		}
		if n > had && left-n < lambda.MinUnreserved {
			return lambda.Errorf(lambda.KindInvalid, "Specified ReservedConcurrentExecutions for function "+belowMinimum, lambda.MinUnreserved)
		}
		return s.setReserved(ctx, account, name, &n)
	})
}

// Unreserve removes a function's reserved concurrency, if it has any. Errors: lambda.KindNotFound.
func (s *Functions) Unreserve(ctx context.Context, account, name string) error {
	return s.limit(ctx, func() error { return s.setReserved(ctx, account, name, nil) })
}

func (s *Functions) setReserved(ctx context.Context, account, name string, n *int) error {
	_, _, err := s.write(ctx, account, name, func(f store.Function) (store.Function, *store.Version, error) {
		f.Reserved = n
		return f, nil, nil
	})
	return err
}

// unreservedWithout is what of the account's concurrency nobody but f has reserved or provisioned.
func (s *Functions) unreservedWithout(f *store.Function) int {
	left := s.Unreserved(f.Config.Account)
	if f.Reserved != nil {
		return left + *f.Reserved
	}
	return left + s.provisionedTotal(f.Config.Account, f.Config.Name)
}

// provisionedTotal is the provisioned concurrency of all versions of a function.
func (s *Functions) provisionedTotal(account, name string) (n int) {
	for _, v := range s.store.Versions(account, name) {
		n += v.Provisioned
	}
	return n
}

// limit runs change, which sets somebody's concurrency, one at a time, because each is checked against the sum of all. What
// changes an alias or deletes a version goes here, too: each is checked against the other, and an alias can bring its
// concurrency along.
func (s *Functions) limit(ctx context.Context, change func() error) error {
	select {
	case s.limiting <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	defer func() { <-s.limiting }()
	return change()
}
