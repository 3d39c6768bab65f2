package control

import "thaw.dev/thaw/lambda"

// Usage is what an account's functions occupy.
type Usage struct {
	Functions int
	CodeBytes int64 // sum of the sizes of the packages of all functions, published versions and layer versions
}

// Usage returns what the account uses now.
func (s *Functions) Usage(account string) Usage {
	t := s.store.Totals(account)
	return Usage{Functions: t.Functions, CodeBytes: t.CodeBytes + s.layers.CodeBytes(account)}
}

// room refuses code that would take the account over its storage; size is what comes, freed what it replaces.
func (s *Functions) room(account string, size, freed int64) error {
	if s.Usage(account).CodeBytes-freed+size > lambda.MaxCodeStorageBytes {
		return lambda.Errorf(lambda.KindCodeStorage, "Code storage limit exceeded.")
	}
	return nil
}
