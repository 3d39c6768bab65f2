// Package auth decides who sent a request. It verifies AWS Signature Version 4, in the Authorization header and in
// presigned URLs, against the access keys of the credentials file, and signs the daemon's own download URLs.
//
// It does not decide what a caller may do: every key is the root of its account. It reads no request body: the caller
// hands the bytes over. Everything in a request is hostile until Verify returned nil.
//
// Keys are read once at start and never change while the daemon runs. All types are safe for concurrent use.
package auth
