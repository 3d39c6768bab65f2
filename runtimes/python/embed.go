// Package python holds the bootstrap of the python3.x runtimes: Python files that an image builder copies next to an
// interpreter, any CPython from 3.8 on.
//
// The agent starts `python3 DIR/bootstrap.py` with the data channel as fd 3 and the log pipe as stdout and stderr. The
// process loads everything that is the same for all functions, rehearses a start and an invocation, says Idle and waits
// for Specialise; if that is there already, it does without and imports next to nothing. Then it imports the handler, answers Ready, and
// answers each Invoke with Result or Error until the host closes the channel, on which it exits with status 0. Package
// link specifies the frames. What a handler sees does not depend on how the process started, except for sys.modules.
//
// What a handler sees follows Amazon's runtime interface client for Python, version 4.2: handler names, the context
// object, how values become JSON, error objects, log lines. Where the bootstrap differs, it survives what ends the
// official client: exceptions whose message cannot be read, and text that is not valid Unicode.
//
// # Becoming a function
//
// Specialise gives the process what a start would have given it: the variables (all others go), directory, time zone,
// and the order of sys.path. What only acts when an interpreter starts cannot be given later; package runtimes knows
// those variables.
//
// # Snapshots
//
// Snapshot runs what the function registered with snapshot_restore_py, the last first; Restored applies variables,
// reseeds what keeps random state in memory (snapshot.py lists it), and runs the hooks after it, the first first. A
// failing hook is answered with InitError, of type Runtime.BeforeSnapshotError or Runtime.AfterRestoreError, and ends the
// process with status 64 or 65, as Amazon's client does. A process that has no function yet has no hooks and no such state
// but the module random's.
//
// The package owns no process and no file: images and processes belong to its callers.
package python

import "embed"

// Files are the bootstrap's files. Entry is the one to start; all keep their relative places.
//
//go:embed bootstrap.py snapshot_restore_py.py rehearsal/*.py thaw_runtime/*.py
var Files embed.FS

// Entry is the name in Files of the script that the interpreter is started with.
const Entry = "bootstrap.py"
