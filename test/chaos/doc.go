// Package chaos has the test of a server whose parts break while it works: sandboxes with and without a tenant are
// killed, snapshots damaged, functions replaced and deleted, callers leave, environments freeze and thaw. Only what was
// broken may fail, with an error that is documented, and afterwards the server serves as before and has kept nothing.
package chaos
