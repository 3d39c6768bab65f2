// Package iam keeps the roles and policies of all accounts, lets callers assume roles, and says what a role's session may
// do.
//
// It owns two kinds of record, role and policy, the rules about them (names, limits, what must be detached before it is
// deleted), the policies that AWS manages (managed.go), and the credentials of a function's execution role. The language
// of policies is package policy's, sessions and their tokens are package auth's, HTTP and XML are package gateway's. Which
// operation needs which permission is decided where the operation is.
//
// An account's own keys are its root and may do everything in it; a role's session may do what the role's policies allow
// and its session policy, if it has one, allows as well. A function whose execution role does not exist here gets a session
// with the few permissions of unknownRole; see docs/decisions/0015.
//
// A *Directory is safe for concurrent use. Every change is on disk when the method returns, and holds for the next request.
package iam
