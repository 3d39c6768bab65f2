// Package http1 is the server's half of HTTP/1.1, as much of it as clients of the Runtime API use: keep-alive, bodies
// with a length or in chunks, trailers, "Expect: 100-continue". It knows no routes.
//
// It exists because net/http costs twice the agent's size and memory and, inside gVisor, about 0.2 ms of every
// invocation: net/http reads ahead in a second goroutine to notice clients that leave, and it answers only from the
// goroutine that read the request. Here the caller owns both.
//
// Everything read is hostile: request line, headers and trailers are bounded, a body is read only as far as the caller
// asks, and whatever is not plainly valid is ErrMalformed, after which the connection is of no more use.
package http1
