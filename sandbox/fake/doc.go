// Package fake is an engine that runs no user code: a Go function plays the inside of each sandbox, over real sockets
// and a real pipe. `thaw serve --engine=fake` runs the whole product with it, and tests of everything above the engine
// use it. Its Capabilities say Isolated: false, so nothing may mistake it for a place to run code.
//
// Its snapshots keep what a guest has put into its Memory; a paused guest stands still at its Gate.
//
// A fake sandbox keeps to the engine contract otherwise, and passes the conformance suite as far as that is meaningful.
// Failures are made to order, see Faults.
package fake
