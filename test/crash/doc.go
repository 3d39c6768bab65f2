// Package crash has the test of what a server keeps and leaves when it is killed: rounds of load, kill -9 at a random
// moment, restart. Every acknowledged change must be there afterwards, and nothing of the killed server.
package crash
