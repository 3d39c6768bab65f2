package link

import (
	"errors"
	"os"
	"sync"
	"syscall"
)

// Logs reads a sandbox's raw log channel. What the runtime wrote before it answered lies in the channel when the
// answer arrives, so Drain gives each invocation exactly its own output.
type Logs struct {
	raw  syscall.RawConn
	sink func([]byte)

	mu  sync.Mutex // held while reading and while sink runs
	buf []byte
}

// NewLogs returns a reader of f, which must be non-blocking. sink gets the bytes as they come, never concurrently, and
// must not keep them.
func NewLogs(f *os.File, sink func([]byte)) (*Logs, error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return nil, err
	}
	return &Logs{raw: raw, sink: sink, buf: make([]byte, 16<<10)}, nil
}

// Run delivers output until the channel ends or is closed. Its caller owns the goroutine.
func (l *Logs) Run() {
	for ended := false; !ended; {
		err := l.raw.Read(func(fd uintptr) bool {
			var again bool
			again, ended = l.readOnce(fd)
			return !again
		})
		ended = ended || err != nil
	}
}

// drainReads bounds one Drain: a runtime that writes without end is not waited for.
const drainReads = 64

// Drain delivers what is in the channel now and returns.
func (l *Logs) Drain() {
	_ = l.raw.Control(func(fd uintptr) {
		for range drainReads {
			if again, ended := l.readOnce(fd); again || ended {
				return
			}
		}
	})
}

func (l *Logs) readOnce(fd uintptr) (again, ended bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n, err := syscall.Read(int(fd), l.buf)
	switch {
	case errors.Is(err, syscall.EAGAIN):
		return true, false
	case errors.Is(err, syscall.EINTR):
		return false, false
	case err != nil || n == 0:
		return false, true
	}
	l.sink(l.buf[:n])
	return false, false
}
