package egress_test

import (
	"testing"

	"thaw.dev/thaw/egress"
)

// TestBufferSize adds up what the buffers of many connections may hold.
func TestBufferSize(t *testing.T) {
	t.Parallel()
	if size := egress.BufferSize(1); size != 256<<10 {
		t.Errorf("the first connection has buffers of %d bytes", size)
	}
	var sum int64
	for number := range int64(1024) {
		size := egress.BufferSize(number + 1)
		if size < 2*egress.MTU {
			t.Errorf("connection %d has buffers of %d bytes, too few for two packets", number+1, size)
		}
		sum += size
	}
	if sum > 64<<20 {
		t.Errorf("1024 connections may hold %d MiB in each direction", sum>>20)
	}
}
