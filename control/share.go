package control

import "thaw.dev/thaw/lambda"

// Share returns what invocations of a version, $LATEST or a number, may use of the account's concurrency. It comes from
// memory at the same cost for any number of functions. A function that is not there has the share of one without
// settings.
func (s *Functions) Share(account, name, version string) lambda.Share {
	share := lambda.Share{Reserved: lambda.NoReservation, Unreserved: s.Unreserved(account)}
	if f, ok := s.store.Get(account, name); ok && f.Reserved != nil {
		share.Reserved = *f.Reserved
	}
	if v, ok := s.version(account, name, version); ok {
		share.Provisioned = v.Provisioned
	}
	return share
}

// Unreserved is how much of the account's concurrency functions without reserved or provisioned concurrency share.
func (s *Functions) Unreserved(account string) int {
	t := s.store.Totals(account)
	return max(0, s.accountConcurrency-t.Reserved-t.Provisioned)
}

// AccountConcurrency is how many invocations of one account run at once.
func (s *Functions) AccountConcurrency() int { return s.accountConcurrency }
