// Package store keeps Thaw's state on an embedded NATS JetStream server. It is the only package that knows NATS.
//
// It owns these kinds of record. Functions (functions.go), with their aliases in them (aliases.go), and their published
// versions (versions.go) are metadata: every write is on disk, synced, before it is acknowledged, compare-and-set on the record's sequence number, and every read is
// served from memory. Records (records.go, collection.go) are the same for documents of any other kind: layers, roles,
// log groups and so on. Events (events.go) are the queue of asynchronous invocations: accepted means on disk, synced,
// many events to one sync; what became of them is written the same way. Journals (journals.go) are what durable
// executions went through, an entry on disk for each change. Logs (logs.go)
// are the functions' output: queued in memory, written in batches without a sync per batch, bounded in size, dropped
// and counted rather than ever slowing an invocation down.
//
// It does not own deployment packages (files, package code) and decides nothing about functions (package control).
//
// Life cycle: Open locks the directory, starts the server inside this process (no listener of any kind) and loads the
// view of all functions and versions; Close undoes it in reverse. A directory belongs to one process at a time. After a crash at
// any point, Open finds every acknowledged function write; of the logs the last moments may be missing.
//
// Values that went into or came out of the store are immutable: clone before changing them. See DESIGN.md for the
// layout on disk, the flow of a write and the order of locks.
package store
