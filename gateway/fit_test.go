package gateway_test

import (
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/code"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/invoke"
)

// What node joins fits together.
var (
	_ gateway.Verifier = (*auth.Verifier)(nil)
	_ gateway.Packages = (*code.Store)(nil)
	_ gateway.Invoker  = (*invoke.Invoker)(nil)
	_ invoke.Functions = (*control.Functions)(nil)
	_ invoke.Shares    = (*control.Functions)(nil)
	_ control.Packages = (*code.Store)(nil)
)
