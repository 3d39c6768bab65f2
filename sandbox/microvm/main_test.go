package microvm_test

import (
	"os"
	"testing"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/sandbox/microvm/jail"
)

func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == jail.Word {
		os.Exit(jail.Main(os.Args[2:]))
	}
	leakcheck.Main(m)
}
