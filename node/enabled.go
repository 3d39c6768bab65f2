package node

import (
	"thaw.dev/thaw/account"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/lambda"
)

// enabled lets functions of enabled accounts run only; it is invoke.Functions.
type enabled struct {
	*control.Functions
	accounts *account.Accounts
}

// Resolve is that of control.Functions; lambda.KindDenied if the account is disabled.
func (e enabled) Resolve(account, name, qualifier string) (*lambda.Config, error) {
	if err := e.accounts.CheckEnabled(account); err != nil {
		return nil, err
	}
	return e.Functions.Resolve(account, name, qualifier)
}

// checkRole refuses an execution role that Lambda may not assume; must says that it has to exist.
func checkRole(roles *iam.Directory, account, role string, must bool) error {
	if err := roles.CheckExecutionRole(account, role, must); err != nil {
		return &lambda.Error{Kind: lambda.KindInvalid, Msg: iam.Unassumable, Err: err}
	}
	return nil
}
