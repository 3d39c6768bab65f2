// Package nodejs holds the bootstrap of the nodejs*.x runtimes: CommonJS files without dependencies that an image
// builder copies next to an interpreter, any Node.js from 16 on.
//
// The agent starts `node DIR/bootstrap.cjs` with the data channel as fd 3 and the log pipe as stdout and stderr. The
// process loads everything that is the same for all functions, rehearses a start and an invocation, says Idle and waits
// for Specialise, which replaces all variables; if that is there already, it does without. Then it loads the handler, answers Ready, and answers each Invoke with Result
// or Error, or streams it, until the host closes the channel, on which it exits with status 0. Package link specifies the frames.
//
// What a handler sees follows Amazon's runtime interface client for Node.js, version 3.3: handler names, CommonJS and
// ES modules, promises and callbacks, the context object, error objects, log lines, response streaming (awslambda.streamifyResponse). An error outside of a handler's
// control (an exception nobody catches, a rejection nobody handles) is reported as the answer, without asking for the
// next event, and the process exits with status 129 or 128.
//
// Snapshot is refused with Runtime.SnapshotNotSupported: nothing in Node.js can reseed Math.random and the random bytes
// that crypto keeps, so copies would repeat them.
//
// The package owns no process and no file: images and processes belong to its callers.
package nodejs

import "embed"

// Files are the bootstrap's files. Entry is the one to start; all keep their relative places.
//
//go:embed bootstrap.cjs lib/*.cjs rehearsal/*.cjs rehearsal/*.mjs
var Files embed.FS

// Entry is the name in Files of the script that the interpreter is started with.
const Entry = "bootstrap.cjs"

// Flags are what the interpreter is started with, before Entry, for a function of any size: global.gc and larger HTTP
// headers as on Lambda (source: /var/runtime/bootstrap of the AWS base image for Node.js 20), an old space as large as
// the largest function's, and a new space that suits small ones. Lambda sizes both by the function's memory. V8 cannot
// do that once it runs; Specialise sets instead how soon it collects, which keeps the heap of a function that produces
// garbage at the same size, and memory that is really in use meets the sandbox's limit.
var Flags = []string{"--expose-gc", "--max-http-header-size=81920", "--max-old-space-size=9216", "--max-semi-space-size=8"}
