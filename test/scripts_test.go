package test

import (
	"archive/zip"
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/node"
)

// TestScripts runs scripts/*.txtar: command lines of the real program. They use the engine fake, which answers every
// event with itself, and need nothing of the machine.
func TestScripts(t *testing.T) {
	t.Parallel()
	runScripts(t, "scripts", "fake")
}

// TestScriptsWithSandboxes runs scripts/gvisor/*.txtar, whose functions do more than echo.
func TestScriptsWithSandboxes(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	runScripts(t, filepath.Join("scripts", "gvisor"), "gvisor")
}

func runScripts(t *testing.T, dir, engine string) {
	t.Helper()
	if err := embedded.Complete(); err != nil {
		if os.Getenv("THAW_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	thaw := helperbin.Build(t, "thaw.dev/thaw/cmd/thaw")
	work, err := os.MkdirTemp("", "thaw-scripts-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(work) })
	if err := os.Chmod(work, 0o711); err != nil { //nolint:gosec // gVisor's processes run as nobody and pass through
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                dir,
		WorkdirRoot:        work,
		RequireUniqueNames: true,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", filepath.Dir(thaw)+string(os.PathListSeparator)+os.Getenv("PATH"))
			e.Setenv("TZ", "UTC")
			e.Setenv("THAW_DATA", filepath.Join(e.WorkDir, "data"))
			e.Setenv("THAW_ENGINE", engine)
			s := &server{}
			e.Values[serverKey{}] = s
			e.Defer(s.kill)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"start": start, "signal": signal, "ended": ended, "says": says,
			"exits": exits, "await": await, "json": checkJSON, "zip": zipFile,
		},
		Condition: func(c string) (bool, error) {
			if c == "root" {
				return os.Geteuid() == 0, nil
			}
			return false, fmt.Errorf("unknown condition %s", c)
		},
	})
}

// serverKey finds a script's server among its values.
type serverKey struct{}

// server is `thaw serve`, started by a script.
type server struct {
	cmd  *exec.Cmd
	log  *lines
	done chan struct{} // closed when the process has ended
}

func serverOf(ts *testscript.TestScript) *server {
	s := ts.Value(serverKey{}).(*server) //nolint:forcetypeassert // Setup puts it there
	if s.cmd == nil {
		ts.Fatalf("no server was started")
	}
	return s
}

// kill ends what the script left running.
func (s *server) kill() {
	if s.cmd != nil {
		_ = s.cmd.Process.Kill()
		<-s.done
	}
}

// start [flags] starts a server and waits until it serves.
func start(ts *testscript.TestScript, neg bool, args []string) {
	if neg {
		ts.Fatalf("unsupported: ! start")
	}
	s := ts.Value(serverKey{}).(*server) //nolint:forcetypeassert // Setup puts it there
	s.kill()
	s.done = make(chan struct{})
	s.cmd = command(ts, append([]string{"thaw", "serve", "--json", "--listen", "127.0.0.1:0"}, args...))
	out, in := io.Pipe()
	s.log = &lines{}
	s.cmd.Stdout, s.cmd.Stderr = in, s.log
	ts.Check(s.cmd.Start())
	go func(cmd *exec.Cmd, done chan<- struct{}) { // ends with the process, which kill ends
		_ = cmd.Wait() // the exit code tells
		_ = in.Close()
		close(done)
	}(s.cmd, s.done)
	var announced node.Announcement
	if err := json.NewDecoder(out).Decode(&announced); err != nil {
		<-s.done
		ts.Fatalf("the server does not serve: %v\n%s", err, s.log.text())
	}
	_ = out.Close() // it writes nothing more
	ts.Setenv("ENDPOINT", announced.Endpoint)
}

// signal sends the server SIGTERM.
func signal(ts *testscript.TestScript, _ bool, _ []string) {
	ts.Check(serverOf(ts).cmd.Process.Signal(syscall.SIGTERM))
}

// ended CODE waits for the server's end and checks its exit code.
func ended(ts *testscript.TestScript, _ bool, args []string) {
	s := serverOf(ts)
	<-s.done
	if len(args) != 1 || args[0] != strconv.Itoa(s.cmd.ProcessState.ExitCode()) {
		ts.Fatalf("the server ended with %v, want exit code %s\n%s", s.cmd.ProcessState, args, s.log.text())
	}
}

// says PATTERN waits until a line of the server's log matches.
func says(ts *testscript.TestScript, _ bool, args []string) {
	s := serverOf(ts)
	if !s.log.await(pattern(ts, args), s.done) {
		ts.Fatalf("the server ended and never said %s\n%s", args[0], s.log.text())
	}
}

// exits CODE PROGRAM ARG... runs a program and checks its exit code; stdout and stderr see its output.
func exits(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM ARG...")
	}
	err := ts.Exec(args[1], args[2:]...)
	code := 0
	if e, ok := errors.AsType[*exec.ExitError](err); ok {
		code = e.ExitCode()
	} else {
		ts.Check(err)
	}
	if args[0] != strconv.Itoa(code) {
		ts.Fatalf("exit code %d, want %s", code, args[0])
	}
}

// zip ARCHIVE FILE packs one executable file.
func zipFile(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: zip ARCHIVE FILE")
	}
	f, err := os.Create(ts.MkAbs(args[0]))
	ts.Check(err)
	w := zip.NewWriter(f)
	h := &zip.FileHeader{Name: filepath.Base(args[1]), Method: zip.Deflate}
	h.SetMode(0o755)
	entry, err := w.CreateHeader(h)
	ts.Check(err)
	_, err = io.WriteString(entry, ts.ReadFile(args[1]))
	ts.Check(err)
	ts.Check(w.Close())
	ts.Check(f.Close())
}

// await PATTERN PROGRAM ARG... runs a program that does not end by itself until a line of its output matches, then
// interrupts it and expects exit code 0.
func await(ts *testscript.TestScript, _ bool, args []string) {
	want := pattern(ts, args)
	cmd := command(ts, args[1:])
	out, err := cmd.StdoutPipe()
	ts.Check(err)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	ts.Check(cmd.Start())
	found := false
	for lines := bufio.NewScanner(out); !found && lines.Scan(); {
		found = want.MatchString(lines.Text())
	}
	_ = cmd.Process.Signal(os.Interrupt)
	err = cmd.Wait()
	if !found || err != nil {
		ts.Fatalf("found %s: %v; end: %v\n%s", args[0], found, err, errs.String())
	}
}

// json PATH VALUE checks a member of the JSON document on stdout: a path of names and indexes with dots between.
func checkJSON(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: json PATH VALUE")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile("stdout")), &v))
	for part := range bytes.SplitSeq([]byte(args[0]), []byte(".")) {
		switch in := v.(type) {
		case map[string]any:
			v = in[string(part)]
		case []any:
			i, err := strconv.Atoi(string(part))
			if err != nil || i >= len(in) {
				ts.Fatalf("%s: no element %s", args[0], part)
			}
			v = in[i]
		default:
			ts.Fatalf("%s: nothing at %s", args[0], part)
		}
	}
	if got := fmt.Sprint(v); (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}

func pattern(ts *testscript.TestScript, args []string) *regexp.Regexp {
	if len(args) == 0 {
		ts.Fatalf("no pattern")
	}
	re, err := regexp.Compile(args[0])
	ts.Check(err)
	return re
}

// command is a program in the script's directory and environment.
func command(ts *testscript.TestScript, argv []string) *exec.Cmd {
	path, err := exec.LookPath(argv[0])
	if argv[0] == "thaw" {
		path, err = filepath.Join(filepath.SplitList(ts.Getenv("PATH"))[0], "thaw"), nil
	}
	ts.Check(err)
	cmd := exec.Command(path, argv[1:]...) //nolint:gosec,noctx // scripts of this repository; their end kills it
	cmd.Dir = ts.MkAbs(".")
	for _, name := range []string{"PATH", "HOME", "TMPDIR", "TZ", "THAW_DATA", "THAW_ENGINE"} {
		cmd.Env = append(cmd.Env, name+"="+ts.Getenv(name))
	}
	return cmd
}

// lines is a writer in which a reader waits for a line.
type lines struct {
	mu      sync.Mutex
	buf     bytes.Buffer  // guarded by mu
	changed chan struct{} // guarded by mu; closed and replaced by a write
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.changed != nil {
		close(l.changed)
		l.changed = nil
	}
	return l.buf.Write(p)
}

// await waits until something written matches; false if it does not and done is closed.
func (l *lines) await(re *regexp.Regexp, done <-chan struct{}) bool {
	for {
		l.mu.Lock()
		found := re.Match(l.buf.Bytes())
		if l.changed == nil {
			l.changed = make(chan struct{})
		}
		changed := l.changed
		l.mu.Unlock()
		if found {
			return true
		}
		select {
		case <-changed:
		case <-done:
			return re.MatchString(l.text())
		}
	}
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}
