// Package account keeps the accounts of a server and their access keys.
//
// It owns two kinds of record: account, and key with the secret in it, and it tells auth.Keys which keys are good. The
// keys of the credentials file belong to the file: their accounts are here as well, but the keys cannot be changed here.
// It authenticates nobody (package auth) and knows neither functions nor roles.
//
// Life cycle: Open reads what is stored and sets the keys; every change is on disk and holds for the next request when the
// method returns. An account is never removed, so that nobody else gets what belonged to it: it is disabled, and then none
// of its keys and sessions is good and none of its functions runs.
//
// An *Accounts is safe for concurrent use.
package account
