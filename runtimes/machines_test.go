//go:build microvm

package runtimes_test

import "testing"

// TestMachineCopies are the functions of which TestMachines makes no copies.
func TestMachineCopies(t *testing.T) { testCopies(t, openMachines, copiedCustom) }

// TestMachineTwins makes more twins, and of Python too.
func TestMachineTwins(t *testing.T) {
	node := twinNode
	node.copies = 5
	testTwins(t, openMachines, twinPython, node)
}
