// Package auth decides who sent a request. It verifies AWS Signature Version 4, in the Authorization header and in
// presigned URLs, against the access keys of accounts (Keys) and of sessions (Sessions), and signs the daemon's own
// download URLs.
//
// It does not decide what a caller may do: a key of an account is the account's root, and of a session it says which role
// it has; packages iam and policy decide. It reads no request body: the caller hands the bytes over. Everything in a
// request is hostile until Verify returned nil.
//
// Keys come from the credentials file, read once at start, and from Keys.Set, at any time. Sessions are kept nowhere: all
// there is to know about one is sealed in its token, under a key that only this server has (session.go). All types are
// safe for concurrent use; a lookup takes no lock.
package auth
