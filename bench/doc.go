// Package bench measures Thaw on the machine it runs on: the latency of warm and of cold invocations, how many
// invocations per second there are, and the memory of a daemon with many functions. It is what `thaw bench` runs.
//
// Run starts a server of its own in this process, with a temporary data directory and a free port on loopback, deploys
// a hello function with 1,769 MB (one whole CPU), and calls it with package client: signed requests over kept-alive
// connections, the way any SDK does. Server and clients share the machine, as they do in the baseline.
//
// # What is compared
//
// Every sample of Thaw is followed by one of a baseline, so that whatever else happens on the machine happens to both:
//
//   - warm: the same handler behind a plain net/http server with one child process, started beforehand and not
//     isolated in any way, which is given events and gives results over pipes.
//   - cold: the bare interpreter of the same file on the host, from exec to its first output.
//
// A sample that is not what it should be ends the run with an error: a warm one with a cold start in it, a cold one
// without. The first samples are thrown away. Percentiles are nearest-rank; the phases are medians of what the server
// says in its Server-Timing header.
//
// Nothing outlives Run and RSS: their goroutines, processes and directories are gone when they return.
package bench
