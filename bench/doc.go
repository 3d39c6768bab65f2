// Package bench measures Thaw on the machine it runs on; it is what `thaw bench` runs. Each kind of measurement is a
// function with its own options and its own report, in a file of its name:
//
//	Warm     invocations that find an environment
//	Cold     invocations that wait for one, by what the start begins with
//	Restore  starts from a snapshot, with and without a waiting slot
//	Burst    many first requests at once, and whether others starve meanwhile
//	Hetero   many functions against one
//	Freeze   freezing and thawing, again and again
//	Density  memory of frozen environments and of slots
//	RSS      memory of a daemon with many functions that nobody invokes
//	Stream   the first byte of streamed answers, and the rate of long ones
//	Event    asynchronous invocations, until they are on disk
//	Backlog  many events at once, and what others feel of them
//	Logs     lines of a function's log, until clients have them
//	RunSuite all but the last four, as a report with the targets, in JSON, Markdown and a chart
//
// Each starts `thaw serve` as a process of its own, with a temporary data directory and a free port on loopback, deploys
// hello functions with 1,769 MB (one whole CPU) unless it says otherwise, and calls them with package client: signed
// requests over kept-alive connections, the way any SDK does. Server, client and baseline share the machine. THAW_…
// variables do not reach the servers: a measurement says itself which settings matter.
//
// # What is compared
//
// Whatever is compared is measured in turns, so that whatever else happens on the machine happens to both. The baseline
// of warm invocations is the same handler behind a plain net/http server with one child process, started beforehand and
// not isolated in any way; that of cold ones is the bare interpreter of the same file on the host, from exec to its
// first output.
//
// A sample that is not what it should be ends the measurement with an error: a warm one with a cold start in it, a cold
// one that began with something else than was asked for (the server tells in its Server-Timing header), a frozen one
// that was not frozen, an answer that is not the greeting. Between cold samples the server rests until its operator's
// socket says that stocks are full and nothing goes on. The first samples are thrown away. Percentiles are nearest-rank.
//
// # Engines
//
// Setup.Engine says which engine the servers have. Every result, its table and the report name engine, monitor and
// accelerator, and say EMULATED where virtual machines were: such times say that it works, and nothing about KVM. How much
// is measured when nobody says stands in counts.go, for emulated machines a tenth or so of what is usual; the output says so.
// The servers of the engine microvm share kernel and boot templates, in thaw-bench/guest of the user's cache directory. A
// machine has a clock of its own, which clock.go compares with the host's where both are read.
//
// Nothing outlives a measurement: its goroutines, processes and directories are gone when it returns.
package bench
