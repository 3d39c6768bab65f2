// Package gateway is the HTTP front of Thaw: it finds the operation a request asks for, reads the body within that
// operation's limit, authenticates the caller, decodes, calls package control or the invoker, and encodes the answer.
//
// It owns the routes (router.go), what a caller's name for a function means (name.go), which settings Thaw refuses
// because it cannot enforce them yet (settings.go) and the only mapping from errors to HTTP (errors.go). It does not
// listen, keeps no state between requests and decides nothing about functions. One file per operation.
//
// Every request passes one chain (gateway.go, ServeHTTP): request id, recover, access log, route, body, authenticate,
// handler. Besides the Lambda API there are STS and IAM at "/" (query.go), /healthz and /readyz, which need no
// signature, and /_thaw/code/…, to which the presigned URLs of GetFunction lead.
//
// Invariants: no handler runs before its caller is authenticated; a handler acts in the caller's account only; a body
// is never larger than its operation's limit, and memory for it grows with what arrived, not with what was announced;
// payloads and variables are not logged.
//
// A *Gateway is safe for concurrent use. It starts no goroutines.
package gateway
