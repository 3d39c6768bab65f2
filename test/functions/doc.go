// Package functions has the tests of what a function sees: handlers, errors, limits, its file system, its network, and
// what happens to it when it misbehaves. All run on a real server with a real sandbox: gVisor's, or with
// THAW_TEST_ENGINE=microvm virtual machines'. Bounds that say how fast a function is come from thawtest.Server.Allow and
// Timeout, which know what executes it.
package functions
