// Package runtimetest runs a bundled runtime's bootstrap for tests: outside any sandbox, with the test as the agent and
// the host.
//
// A Process has one life: New makes its channels, Start its process, and the end of the test kills it and waits for it.
// Become between New and Start is a start on demand, Become after Start a hot slot that may not be warm yet. Methods are
// for the test's goroutine only. Package link has the protocol, and what the embedded Session does.
package runtimetest
