package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// openTerminal makes a pseudo terminal of 100 × 30 and returns the user's end and the program's.
func openTerminal(t *testing.T) (user, program *os.File) {
	t.Helper()
	user, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = user.Close() })
	fd := int(user.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skip(err)
	}
	t.Cleanup(func() { _ = program.Close() })
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 30, Col: 100}); err != nil {
		t.Fatal(err)
	}
	return user, program
}

func TestParseKeys(t *testing.T) {
	for in, want := range map[string][]string{
		"q":                    {"q"},
		"\x1b[Aj\x1bOB":        {keyUp, "j", keyDown},
		"\x1b":                 {keyEscape},
		"ab\x7f\r\x03":         {"a", "b", keyBackspace, keyEnter, keyInterrupt},
		"\x1b[5~x\x1b[1;5Cy":   {"x", "y"},
		"\x1b[":                nil,
		"\x00\x01\x1az":        {"z"},
		"ä\xff":                {"ä", "\ufffd"},
		"\x1b[31":              nil,
		strings.Repeat("s", 9): slices.Repeat([]string{"s"}, 9),
	} {
		if got := parseKeys(in); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// TestParseKeysEndsOnAnything gives it all kinds of garbage.
func TestParseKeysEndsOnAnything(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const bytes = "\x1b\x1b[[OABq~m;5\x00\xff\xc3\xa4\r"
	for range 20_000 {
		in := make([]byte, random.IntN(20))
		for i := range in {
			in[i] = bytes[random.IntN(len(bytes))]
		}
		if keys := parseKeys(string(in)); len(keys) > len(in) {
			t.Fatalf("%q: more keys than bytes: %q", in, keys)
		}
	}
}

// TestTopOnATerminal uses thaw top like a person: it shows something, follows keys and a new size, and leaves the
// terminal as it was.
func TestTopOnATerminal(t *testing.T) {
	dir := serveTop(t)
	user, program := openTerminal(t)
	before, err := term.GetState(int(program.Fd()))
	if err != nil {
		t.Fatal(err)
	}
	seen := make(chan []byte, 100)
	go func() { // ends when the terminal is closed
		defer close(seen)
		for {
			b := make([]byte, 64<<10)
			n, err := user.Read(b)
			if err != nil {
				return
			}
			seen <- b[:n]
		}
	}()
	var screen bytes.Buffer
	await := func(what string) {
		t.Helper()
		deadline := time.After(10 * time.Second)
		for !strings.Contains(screen.String(), what) {
			select {
			case b := <-seen:
				screen.Write(b)
			case <-deadline:
				t.Fatalf("never saw %q in\n%q", what, screen.String())
			}
		}
		screen.Reset()
	}
	ended := make(chan int, 1)
	go func() {
		ended <- execute(t.Context(), []string{"top", "--data", dir, "--every", "100ms"}, &console{in: program, out: program, err: program})
	}()
	await(enterScreen)
	await("\x1b[7mFUNCTION")
	typeKeys := func(keys string) {
		if _, err := user.WriteString(keys); err != nil {
			t.Fatal(err)
		}
	}
	typeKeys("s")
	await("sort: busy")
	typeKeys("/rend\r")
	await("filter: rend")
	if err := unix.IoctlSetWinsize(int(user.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 5, Col: 20}); err != nil {
		t.Fatal(err)
	}
	await("q quit   s sort: bu…")
	typeKeys("q")
	await(leaveScreen)
	if code := <-ended; code != exitOK {
		t.Errorf("exit code %d", code)
	}
	after, err := term.GetState(int(program.Fd()))
	if err != nil || *after != *before {
		t.Errorf("the terminal is not as it was: %v", err)
	}
	_ = program.Close()
	_ = user.Close()
	for range seen { // until the reader ends
	}
}
