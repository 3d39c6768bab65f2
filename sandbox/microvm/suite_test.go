//go:build microvm

package microvm_test

import "testing"

func TestConformance(t *testing.T) { testConformance(t) }
