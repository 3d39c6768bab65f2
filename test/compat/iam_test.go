package compat_test

import (
	"testing"

	"thaw.dev/thaw/internal/testenv"
)

func TestIAM(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	newTour(t).run(t, []string{"roles", "policies", "sessions", "the end of a role"}, pythonWithBoto3(t), beside(t, "iam.py"))
}
