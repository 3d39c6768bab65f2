package store

import (
	"maps"

	"thaw.dev/thaw/lambda"
)

// For returns what was set for a qualifier; "" and $LATEST are the same.
func (f *Function) For(qualifier string) lambda.Qualified {
	return f.Qualified[unqualified(qualifier)]
}

// WithQualified returns f with q set for a qualifier.
func (f *Function) WithQualified(qualifier string, q lambda.Qualified) Function {
	next := *f
	next.Qualified = maps.Clone(f.Qualified)
	if next.Qualified == nil {
		next.Qualified = map[string]lambda.Qualified{}
	}
	next.Qualified[unqualified(qualifier)] = q
	if q.Empty() {
		delete(next.Qualified, unqualified(qualifier))
	}
	if len(next.Qualified) == 0 {
		next.Qualified = nil // as it is read back
	}
	return next
}

func unqualified(qualifier string) string {
	if qualifier == lambda.Latest {
		return ""
	}
	return qualifier
}
