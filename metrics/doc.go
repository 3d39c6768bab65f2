// Package metrics counts what happens on this host and writes it down for Prometheus and for thaw top.
//
// It owns the counters, their names and the text format (families.go is the one table of all of them; docs/metrics.md is
// held against it by a test). It does not own what is counted: the pool reports events through Metrics.Event, invocations
// end in Metrics.Observe, and what the pool holds at the moment of a scrape is given to Metrics.Write as a pool.Status.
// Serving over a socket is package ops'.
//
// A *Metrics lives as long as its server, starts no goroutines and is never closed. Its methods may be called
// concurrently.
//
// Invariants: Event and Observe allocate nothing and take no lock, except the end of a cold start, which takes a short
// one. No label holds a function's name, an account or anything else a tenant chooses: every label has a closed list of
// values, "other" among them, except the runtime of a stock, which is bounded in length and number. So the number
// of time series does not depend on how many functions there are; thaw top shows functions one by one.
//
// The text format is written here instead of by a library because it is small and the libraries are not: measured in a
// program of their own, prometheus/client_golang added 4.6 MB of binary and 5 MB of resident memory, VictoriaMetrics'
// 0.4 MB and 2 MB.
package metrics
