// Package functions has the tests of what a function sees: handlers, errors, limits, its file system, its network, and
// what happens to it when it misbehaves. All run on a real server with a real sandbox.
package functions
