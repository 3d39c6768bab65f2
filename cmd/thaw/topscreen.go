package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"unicode/utf8"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Keys that are no characters.
const (
	keyInterrupt = "ctrl-c"
	keyEnter     = "enter"
	keyEscape    = "esc"
	keyBackspace = "backspace"
	keyUp        = "up"
	keyDown      = "down"
)

// What terminals understand. Source: ECMA-48; xterm's control sequences for the alternate screen.
const (
	enterScreen = "\x1b[?1049h\x1b[?25l" // alternate screen, no cursor
	leaveScreen = "\x1b[?25h\x1b[?1049l"
	toHome      = "\x1b[H"
	clearLine   = "\x1b[K"
	reverse     = "\x1b[7m"
	normal      = "\x1b[0m"
)

// screen is a terminal that one command has for itself. close gives it back as it was.
type screen struct {
	in, out *os.File
	state   *term.State

	keys    <-chan string    // closed when the terminal is gone
	resized <-chan os.Signal // the size is another

	signals chan os.Signal
	wake    *os.File // closing it ends the reader
	readers sync.WaitGroup
}

func openScreen(in, out *os.File) (*screen, error) {
	stop, wake, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	state, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		_, _ = stop.Close(), wake.Close()
		return nil, fmt.Errorf("terminal: %w", err)
	}
	s := &screen{in: in, out: out, state: state, signals: make(chan os.Signal, 1), wake: wake}
	signal.Notify(s.signals, syscall.SIGWINCH)
	s.resized = s.signals
	keys := make(chan string)
	s.keys = keys
	s.readers.Go(func() { // ends when close closes wake
		defer close(keys)
		defer func() { _ = stop.Close() }()
		readKeys(in, stop, keys)
	})
	_, _ = io.WriteString(out, enterScreen) // draw meets the same error
	return s, nil
}

func (s *screen) close() {
	signal.Stop(s.signals)
	_ = s.wake.Close()
	for range s.keys { // the reader may be about to give one
	}
	s.readers.Wait()
	_, _ = io.WriteString(s.out, leaveScreen)
	_ = term.Restore(int(s.in.Fd()), s.state)
}

// size is that of the terminal, 80 columns by 24 lines if it does not tell.
func (s *screen) size() (width, height int) {
	width, height, err := term.GetSize(int(s.out.Fd()))
	if err != nil || width < 1 || height < 1 {
		return 80, 24
	}
	return width, height
}

// draw shows lines, as many as the screen has, in place of what was there. Each is cleared first: behind a line that
// fills its row, clearing would take the last column.
func (s *screen) draw(lines []topLine) error {
	var b strings.Builder
	b.WriteString(toHome)
	for i, l := range lines {
		if i > 0 {
			b.WriteString("\r\n")
		}
		b.WriteString(clearLine)
		if l.head {
			b.WriteString(reverse + l.text + normal)
		} else {
			b.WriteString(l.text)
		}
	}
	_, err := io.WriteString(s.out, b.String())
	return err
}

// readKeys gives what is typed to keys until the other end of stop is closed or the terminal is gone.
func readKeys(in, stop *os.File, keys chan<- string) {
	buf := make([]byte, 256)
	for {
		ready := []unix.PollFd{
			{Fd: int32(in.Fd()), Events: unix.POLLIN},   //nolint:gosec // descriptors are small
			{Fd: int32(stop.Fd()), Events: unix.POLLIN}, //nolint:gosec // as above
		}
		if _, err := unix.Poll(ready, -1); err != nil && err != unix.EINTR { //nolint:errorlint // Poll returns bare numbers
			return
		}
		if ready[1].Revents != 0 {
			return
		}
		if ready[0].Revents == 0 {
			continue
		}
		n, err := in.Read(buf)
		if err != nil {
			return
		}
		for _, key := range parseKeys(string(buf[:n])) {
			keys <- key
		}
	}
}

// sequences are the bytes of keys that are no characters; a longer one stands before its beginning.
var sequences = []struct{ bytes, key string }{
	{"\x1b[A", keyUp}, {"\x1bOA", keyUp}, {"\x1b[B", keyDown}, {"\x1bOB", keyDown},
	{"\x1b", keyEscape}, {"\x03", keyInterrupt}, {"\r", keyEnter}, {"\n", keyEnter}, {"\x7f", keyBackspace}, {"\b", keyBackspace},
}

// parseKeys splits what one read returned into keys; those without a meaning are left out.
func parseKeys(s string) []string {
	var keys []string
next:
	for s != "" {
		for _, q := range sequences {
			if rest, ok := strings.CutPrefix(s, q.bytes); ok && (q.key != keyEscape || rest == "") {
				keys, s = append(keys, q.key), rest
				continue next
			}
		}
		if s[0] == 0x1b { // another key's sequence, up to its final byte
			end := strings.IndexFunc(s[1:], func(r rune) bool { return r >= '@' && r <= '~' && r != '[' && r != 'O' })
			if end < 0 {
				return keys
			}
			s = s[end+2:]
			continue
		}
		r, size := utf8.DecodeRuneInString(s)
		s = s[size:]
		if r >= ' ' {
			keys = append(keys, string(r))
		}
	}
	return keys
}
