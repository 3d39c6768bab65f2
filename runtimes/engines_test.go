package runtimes_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/vmtest"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
)

func openMachines(t *testing.T) sandbox.Engine { return vmtest.Engine(t) }

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
