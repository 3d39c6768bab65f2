package egress

import (
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// chunk is the buffer of one read: of a frame, of a piece of a stream, or of a datagram.
type chunk [64 << 10]byte

// A frame must fit into a chunk.
var _ [len(chunk{}) - maxFrame]struct{}

var chunks = sync.Pool{New: func() any { return new(chunk) }}

func getChunk() *chunk  { return chunks.Get().(*chunk) }
func putChunk(c *chunk) { chunks.Put(c) }

// readChunk waits until raw, a non-blocking descriptor, has something, and reads it. It holds a buffer only when there
// is something, so waiting costs no memory, however many wait. n is 0 at the end of a stream. The caller gives the
// chunk back with putChunk, unless err is not nil.
func readChunk(raw syscall.RawConn) (c *chunk, n int, err error) {
	waitErr := raw.Read(func(fd uintptr) bool {
		c = getChunk()
		for {
			n, err = unix.Read(int(fd), c[:])
			if err != unix.EINTR {
				break
			}
		}
		if err == unix.EAGAIN {
			putChunk(c)
			c, err = nil, nil
			return false
		}
		return true
	})
	if err == nil {
		err = waitErr
	}
	if err != nil && c != nil {
		putChunk(c)
		c = nil
	}
	return c, n, err
}
