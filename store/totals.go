package store

// Totals are what an account's functions add up to.
type Totals struct {
	Functions   int
	CodeBytes   int64 // of all functions and published versions, each counted with its whole package
	Reserved    int   // reserved concurrency of all functions
	Provisioned int   // provisioned concurrency of the functions that have no reserved concurrency
}

func (t Totals) plus(u Totals) Totals {
	return Totals{t.Functions + u.Functions, t.CodeBytes + u.CodeBytes, t.Reserved + u.Reserved, t.Provisioned + u.Provisioned}
}

func (t Totals) minus(u Totals) Totals {
	return Totals{t.Functions - u.Functions, t.CodeBytes - u.CodeBytes, t.Reserved - u.Reserved, t.Provisioned - u.Provisioned}
}
