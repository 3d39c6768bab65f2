// Package hostfile makes and closes the files that engines hand to sandboxes: ends of sockets, files without a name, files
// in memory that nobody can change, further descriptors of any of them. It knows no sandbox.
package hostfile
