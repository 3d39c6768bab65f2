package microvm_test

import (
	"testing"

	"thaw.dev/thaw/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }
