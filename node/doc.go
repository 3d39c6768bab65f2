// Package node builds a whole Thaw server out of a Config, in one process: store, runtimes, engine, pool, control,
// invoker and gateway. It is the only package that knows all of them. Tests start a node in-process; cmd/thaw serves
// one.
package node
