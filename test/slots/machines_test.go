//go:build microvm

package slots_test

import "testing"

// TestConcurrentMachinesRepeatNothing is the same in virtual machines, which are all copies of one that has booted.
func TestConcurrentMachinesRepeatNothing(t *testing.T) {
	t.Setenv("THAW_TEST_ENGINE", "microvm")
	TestConcurrentNodeEnvironmentsRepeatNothing(t)
}
