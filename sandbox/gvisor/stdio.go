package gvisor

import (
	"context"
	"os"
)

// stdioTurn holds the one permission to replace the process's standard files. The library takes a container's stdio
// from os.Stdin, os.Stdout and os.Stderr, which all engines of this process share.
var stdioTurn = make(chan struct{}, 1)

// withStdio calls f with the process's standard files replaced, when its turn comes. It returns ctx's cause, and f was
// not called, if ctx ends before that.
func withStdio(ctx context.Context, in, out, err *os.File, f func()) error {
	select {
	case stdioTurn <- struct{}{}:
	case <-ctx.Done():
		return context.Cause(ctx)
	}
	oldIn, oldOut, oldErr := os.Stdin, os.Stdout, os.Stderr
	os.Stdin, os.Stdout, os.Stderr = in, out, err
	defer func() {
		os.Stdin, os.Stdout, os.Stderr = oldIn, oldOut, oldErr
		<-stdioTurn
	}()
	f()
	return nil
}
