package runtimes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
)

// engines are those that functions run on.
var engines = []struct {
	name string
	open func(t *testing.T) sandbox.Engine
}{
	{"gvisor", openGvisor},
}

func openGvisor(t *testing.T) sandbox.Engine {
	t.Helper()
	engine, err := gvisor.New(gvisor.Options{
		StateDir: filepath.Join(t.TempDir(), "gvisor"), SentryPath: helperbin.Sentry(t),
		CgroupName: fmt.Sprintf("thaw-test-copies-%d", os.Getpid()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}
