// Package ops is the operator's window into a running server: GET /metrics for Prometheus, GET /status for thaw top and
// other programs, GET /healthz for supervisors, and the paths under /accounts for thaw account.
//
// It owns the unix socket SocketName in the data directory, which only the server's user can open, and, if asked for, a
// TCP address. Neither authenticates: both show every account's functions by name, never their payloads. What changes
// something, or shows a key, exists at the socket alone. It also owns the client of that socket. It decides nothing: every
// answer is made from what package metrics counted, what the pool and the queue of asynchronous
// invocations say at that moment, or by package account.
//
// A *Server serves from Open until Close. Close waits for its goroutines and removes the socket.
package ops
