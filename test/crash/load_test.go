package crash_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

const (
	workers   = 4 // each changes and invokes functions of its own
	perWorker = 3
	invokers  = 2 // each invokes any function
)

// state is what a function is like, as far as changes can tell. The zero state is that of no function.
type state struct {
	exists  bool
	version int    // of the code
	sha256  string // of the package, as the API shows it
	note    string // the description, which is also in the function's environment
}

// function is one function with what is known about it. One worker owns it.
type function struct {
	name, runtime string
	known         state
	// sent is the state after a change that was sent and not answered; nil if there is none.
	sent *state
}

// fleet are all functions of the test, and a source of unique versions and notes.
type fleet struct {
	functions []*function
	serial    atomic.Int64
	changes   atomic.Int64 // acknowledged ones
	answers   atomic.Int64 // good ones to invocations
}

func newFleet(t *testing.T) *fleet {
	t.Helper()
	runtimes := []string{thawtest.Python(t), thawtest.Node(t)}
	f := &fleet{}
	for i := range workers * perWorker {
		f.functions = append(f.functions, &function{name: fmt.Sprintf("f-%d", i), runtime: runtimes[i%2]})
	}
	return f
}

// files are the function's code in a version: one file per runtime.
func files(version int) thawtest.Files {
	return thawtest.Files{
		"app.py": fmt.Sprintf(`import os
def handler(event, context):
    return {"version": %d, "note": os.environ["NOTE"]}
`, version),
		"index.mjs": fmt.Sprintf("export const handler = async () => ({ version: %d, note: process.env.NOTE });\n", version),
	}
}

func digest(zip []byte) string {
	sum := sha256.Sum256(zip)
	return base64.StdEncoding.EncodeToString(sum[:])
}

// load is what one round does to a server.
type load struct {
	*fleet
	t      *testing.T
	server *server
	killed atomic.Bool // set before the server is killed
	// names are functions that some worker has just worked on. Invokers take them from here, so that they stay near
	// the changes and do not outrun them.
	names chan string
}

// run makes load until the server is gone and ctx has ended; wait waits for that.
func (l *load) run(ctx context.Context, seed uint64) (wait func()) {
	l.names = make(chan string, invokers)
	var wg sync.WaitGroup
	for i := range workers {
		r := rand.New(rand.NewPCG(seed, uint64(i))) //nolint:gosec // a test's choice
		own := l.functions[i*perWorker : (i+1)*perWorker]
		wg.Go(func() {
			for {
				f := own[r.IntN(len(own))]
				if !l.step(ctx, f, r) {
					return
				}
				select {
				case l.names <- f.name:
				default: // the invokers are busy
				}
			}
		})
	}
	for range invokers {
		wg.Go(func() {
			for {
				select {
				case name := <-l.names:
					l.invokeAny(ctx, name)
				case <-ctx.Done():
					return
				}
			}
		})
	}
	return wg.Wait
}

// step changes or invokes f, and reports whether to go on.
func (l *load) step(ctx context.Context, f *function, r *rand.Rand) bool {
	next := f.known
	serial := int(l.serial.Add(1))
	if !f.known.exists {
		return l.create(ctx, f, serial)
	}
	switch n := r.IntN(10); {
	case n < 4:
		zip := thawtest.Zip(l.t, files(serial))
		next.version, next.sha256 = serial, digest(zip)
		return l.settled(ctx, f) && l.change(ctx, f, next, func() (client.FunctionConfiguration, error) {
			return l.server.UpdateFunctionCode(ctx, f.name, zip)
		})
	case n < 7:
		next.note = fmt.Sprint("note ", serial)
		return l.settled(ctx, f) && l.change(ctx, f, next, func() (client.FunctionConfiguration, error) {
			return l.server.UpdateFunctionConfiguration(ctx, f.name, client.UpdateFunctionConfigurationInput{
				Description: &next.note, Environment: note(next.note),
			})
		})
	case n < 8:
		return l.change(ctx, f, state{}, func() (client.FunctionConfiguration, error) {
			return client.FunctionConfiguration{}, l.server.DeleteFunction(ctx, f.name)
		})
	default:
		return l.settled(ctx, f) && l.ok(ctx, l.invoke(ctx, f))
	}
}

func note(text string) *client.Environment {
	return &client.Environment{Variables: map[string]string{"NOTE": text}}
}

func (l *load) create(ctx context.Context, f *function, serial int) bool {
	zip := thawtest.Zip(l.t, files(serial))
	next := state{exists: true, version: serial, sha256: digest(zip), note: fmt.Sprint("note ", serial)}
	handler := "app.handler"
	if f.runtime[0] == 'n' {
		handler = "index.handler"
	}
	return l.change(ctx, f, next, func() (client.FunctionConfiguration, error) {
		return l.server.CreateFunction(ctx, client.CreateFunctionInput{
			FunctionName: f.name, Runtime: f.runtime, Role: thawtest.Role, Handler: handler, Description: next.note,
			MemorySize: 128, Timeout: 30, Environment: note(next.note), Code: client.CodeInput{ZipFile: zip},
		})
	})
}

// change makes a change with call, and keeps the books.
func (l *load) change(ctx context.Context, f *function, next state, call func() (client.FunctionConfiguration, error)) bool {
	f.sent = &next
	answer, err := call()
	if err == nil {
		f.known, f.sent = next, nil
		l.changes.Add(1)
		if next.exists && (answer.CodeSha256 != next.sha256 || answer.Description != next.note) {
			l.t.Errorf("a change of %s to %+v was answered with %+v", f.name, next, answer)
		}
		return true
	}
	if _, refused := errors.AsType[*client.Error](err); refused {
		f.sent = nil
	}
	return l.ok(ctx, fmt.Errorf("change of %s: %w", f.name, err))
}

// settled waits until f's last change is in force.
func (l *load) settled(ctx context.Context, f *function) bool {
	_, err := l.server.WaitActive(ctx, f.name)
	return l.ok(ctx, err)
}

// invoke invokes f, which is settled, and checks that it is what is known of it.
func (l *load) invoke(ctx context.Context, f *function) error {
	out, err := l.server.Invoke(ctx, client.InvokeInput{Function: f.name, LogTail: true})
	if err != nil {
		return fmt.Errorf("invoke %s: %w", f.name, err)
	}
	var got struct {
		Version int
		Note    string
	}
	if err := json.Unmarshal(out.Payload, &got); err != nil || got.Version != f.known.version || got.Note != f.known.note {
		return fmt.Errorf("%s answered %s, want version %d and %q\n%s", f.name, out.Payload, f.known.version, f.known.note, out.LogTail)
	}
	l.answers.Add(1)
	return nil
}

// invokeAny invokes a function that may not be there, or not yet, or be another before the answer comes.
func (l *load) invokeAny(ctx context.Context, name string) {
	out, err := l.server.Invoke(ctx, client.InvokeInput{Function: name})
	switch {
	case client.IsCode(err, "ResourceNotFoundException"), client.IsCode(err, "ResourceConflictException"):
	case err != nil:
		l.ok(ctx, fmt.Errorf("invoke %s: %w", name, err))
	case out.FunctionError != "":
		l.ok(ctx, fmt.Errorf("%s failed: %s", name, out.Payload))
	default:
		l.answers.Add(1)
	}
}

// ok reports whether to go on after err, which fails the test unless the server was killed.
func (l *load) ok(ctx context.Context, err error) bool {
	_, refused := errors.AsType[*client.Error](err)
	if err != nil && (refused || !l.killed.Load()) {
		l.t.Error(err)
	}
	return err == nil && ctx.Err() == nil
}

// check compares a restarted server with what is known, and settles what was open. It invokes some functions.
func (l *load) check(ctx context.Context, invoke int, r *rand.Rand) {
	l.t.Helper()
	listed, err := l.server.ListFunctions(ctx)
	if err != nil {
		l.t.Fatal(err)
	}
	there := map[string]state{}
	for _, c := range listed {
		there[c.FunctionName] = state{exists: true, sha256: c.CodeSha256, note: c.Description}
	}
	var alive []*function
	for _, f := range l.functions {
		got := there[f.name]
		delete(there, f.name)
		switch {
		case f.sent != nil && got == seen(*f.sent):
			f.known = *f.sent
		case got != seen(f.known):
			l.t.Errorf("%s is %+v, and acknowledged was %+v; without an answer: %+v", f.name, got, f.known, f.sent)
			continue
		}
		f.sent = nil
		if f.known.exists {
			alive = append(alive, f)
		}
	}
	for name := range there {
		l.t.Errorf("%s is there and nobody created it", name)
	}
	for _, f := range alive {
		if _, err := l.server.WaitActive(ctx, f.name); err != nil {
			l.t.Error(err)
		}
		if err := l.download(ctx, f); err != nil {
			l.t.Error(err)
		}
	}
	r.Shuffle(len(alive), func(i, j int) { alive[i], alive[j] = alive[j], alive[i] })
	for _, f := range alive[:min(invoke, len(alive))] {
		if err := l.invoke(ctx, f); err != nil {
			l.t.Error(err)
		}
	}
}

// seen is what a list shows of a state.
func seen(s state) state {
	s.version = 0
	return s
}

// download fetches f's code and checks that it is what was sent.
func (l *load) download(ctx context.Context, f *function) error {
	out, err := l.server.GetFunction(ctx, f.name)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, out.Code.Location, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req) //nolint:gosec // the server's own address
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	zip, err := io.ReadAll(resp.Body)
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK || digest(zip) != f.known.sha256 {
		return fmt.Errorf("the code of %s: status %d, %d bytes with digest %s, want %s", f.name, resp.StatusCode, len(zip), digest(zip), f.known.sha256)
	}
	return nil
}
