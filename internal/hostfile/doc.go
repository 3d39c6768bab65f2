// Package hostfile makes and closes the files that engines hand to sandboxes: ends of sockets, files without a name. It
// knows no sandbox.
package hostfile
