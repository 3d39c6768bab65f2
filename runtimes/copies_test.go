package runtimes_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/sandbox"
)

// Functions of which copies are made. Each answers with what must differ between copies, what must be the same, and
// clocks: Unix time, and how many seconds passed since init.
const (
	pythonCopy = `
import os, random, secrets, socket, ssl, tempfile, time, uuid
from snapshot_restore_py import register_after_restore
def hello():
    "The random part of the first message of a TLS connection."
    out = ssl.MemoryBIO()
    tls = ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="example.com")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        return out.read()[11:43].hex()
SAME = os.urandom(8).hex()
STARTED = time.monotonic()
random.random(), ssl.RAND_bytes(1), uuid.uuid1(), next(tempfile._get_candidate_names()), hello()
HOOK = []
register_after_restore(lambda: HOOK.append(random.random()))
def handler(event, context):
    return {"same": SAME, "colour": os.environ["COLOUR"], "unix": time.time(), "since": time.monotonic() - STARTED, "differ": [
        (HOOK + [0])[0], random.random(), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()), str(uuid.uuid4()), secrets.token_hex(),
        os.urandom(8).hex(), next(tempfile._get_candidate_names()), hello()]}
`
	customCopy = `#!/bin/bash
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
random() { head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n'; }
same=$(random)
started=$SECONDS
curl -sS -o /dev/null $api/restore/next
while :; do
  id=$(curl -sS -D - -o /dev/null $api/invocation/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  curl -sS -o /dev/null -d "{\"same\":\"$same\",\"colour\":\"$COLOUR\",\"unix\":$(date +%s.%N),\"since\":$((SECONDS-started)),\"differ\":[\"$(random)\"]}" $api/invocation/$id/response
done
`
	nodeTwin = `
const crypto = require('crypto'), tls = require('tls'), {Duplex} = require('stream');
const same = '', started = process.hrtime.bigint();
const hello = () => new Promise((resolve) => {
  const wire = new Duplex({read() {}, write(chunk, encoding, done) { resolve(chunk.subarray(11, 43).toString('hex')); done(); }});
  tls.connect({socket: wire, servername: 'example.com'}).on('error', () => {});
});
exports.handler = async () => ({
  same, colour: process.env.COLOUR, unix: Date.now() / 1000, since: Number(process.hrtime.bigint() - started) / 1e9,
  differ: [Math.random(), crypto.randomBytes(8).toString('hex'), crypto.randomUUID(), crypto.randomInt(2 ** 47), await hello(),
    crypto.generateKeyPairSync('ed25519').publicKey.export({type: 'spki', format: 'der'}).toString('hex')],
});
`
)

// answer is what these functions answer.
type answer struct {
	Same, Colour string
	Unix, Since  float64
	Differ       []any
}

// copied is a function of which copies are made.
type copied struct {
	family         lambda.Family
	file, text     string
	colour         string // after the restore
	copies, differ int    // how many, and how many values each of them answers
}

var (
	copiedPython = copied{lambda.FamilyPython, "app.py", pythonCopy, "red", 3, 9}
	copiedCustom = copied{lambda.FamilyProvided, "bootstrap", customCopy, "blue", 2, 1} // a process that speaks HTTP keeps its variables
	twinPython   = copied{family: lambda.FamilyPython, file: "app.py", text: strings.ReplaceAll(pythonCopy, "(HOOK + [0])[0]", "SAME"), copies: 2, differ: 9}
	twinNode     = copied{family: lambda.FamilyNode, file: "app.js", text: nodeTwin, copies: 2, differ: 6}
)

func TestCopies(t *testing.T) {
	testCopies(t, openGvisor, copiedPython, copiedCustom)
}

func TestTwins(t *testing.T) {
	testTwins(t, openGvisor, twinPython, twinNode)
}

// TestMachines is the part for virtual machines that is run every time; the rest is behind the build tag microvm.
func TestMachines(t *testing.T) {
	testenv.Short(t)
	python := copiedPython
	python.copies = 2
	t.Run("copies", func(t *testing.T) { testCopies(t, openMachines, python) })
	t.Run("twins", func(t *testing.T) { testTwins(t, openMachines, twinNode) })
}

// testCopies checkpoints functions that are initialised and restores copies of them: all go on, and none repeats what
// another does.
func testCopies(t *testing.T, openEngine func(*testing.T) sandbox.Engine, functions ...copied) {
	testenv.NeedsRoot(t)
	c := open(t, options{agent: helperbin.Agent(t)})
	engine := openEngine(t)
	if !engine.Capabilities().Snapshot {
		t.Fatal("the engine makes no snapshots")
	}
	for _, f := range functions {
		t.Run("family="+string(f.family), func(t *testing.T) {
			began := time.Now()
			img, err := c.Ensure(t.Context(), installed(t, c, f.family)[0].Name)
			if err != nil {
				t.Fatal(err)
			}
			task := packageImage(t, map[string]string{f.file: f.text})
			deadline := time.Now().Add(patience)
			original := createCopy(t, engine, img, task, "original-"+string(f.family))
			s := startCopy(t, original, img, deadline)
			if err := s.PrepareSnapshot(deadline); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := original.Checkpoint(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			sessions := []*link.Session{s}
			for n := range f.copies {
				box := createCopy(t, engine, img, task, fmt.Sprintf("copy-%s-%d", f.family, n))
				if err := box.Restore(t.Context(), dir); err != nil {
					t.Fatal(err)
				}
				s, err := link.Reopen(t.Context(), box.Link().Control, box.Link().Data, nil)
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(s.Close)
				sessions = append(sessions, s)
			}
			seen := values{}
			same := ""
			for n, s := range sessions {
				r := link.Restoration{Env: map[string]string{"COLOUR": "red"}, Entropy: make([]byte, 32)}
				_, _ = rand.Read(r.Entropy)
				if err := s.Restored(r, deadline); err != nil {
					t.Fatalf("session %d: %v", n, err)
				}
				got := ask(t, s, began, deadline)
				if same == "" {
					same = got.Same
				}
				if got.Same == "" || got.Same != same || got.Colour != f.colour || len(got.Differ) != f.differ {
					t.Errorf("session %d is no copy of the first: %+v", n, got)
				}
				seen.add(t, n, got)
			}
		})
	}
}

// testTwins starts sandboxes beside each other. Where an engine makes them from one machine that has booted, they are
// copies of that; no runtime in them repeats what another does, from its first breath on.
func testTwins(t *testing.T, openEngine func(*testing.T) sandbox.Engine, functions ...copied) {
	testenv.NeedsRoot(t)
	c := open(t, options{agent: helperbin.Agent(t)})
	engine := openEngine(t)
	for _, f := range functions {
		t.Run("family="+string(f.family), func(t *testing.T) {
			began := time.Now()
			img, err := c.Ensure(t.Context(), installed(t, c, f.family)[0].Name)
			if err != nil {
				t.Fatal(err)
			}
			task := packageImage(t, map[string]string{f.file: f.text})
			deadline := time.Now().Add(patience)
			seen := values{}
			for n := range f.copies {
				box := createCopy(t, engine, img, task, fmt.Sprintf("twin-%s-%d", f.family, n))
				got := ask(t, startCopy(t, box, img, deadline), began, deadline)
				if len(got.Differ) != f.differ {
					t.Errorf("twin %d answers %+v", n, got)
				}
				seen.add(t, n, got)
			}
		})
	}
}

// patience is how long one function and its copies may take, on a machine that is emulated and shared.
const patience = 3 * time.Minute

// values are those that were answered, with their place.
type values map[string]bool

// add fails the test for what was there before.
func (v values) add(t *testing.T, n int, a answer) {
	t.Helper()
	for at, value := range a.Differ {
		key := fmt.Sprint(at, value)
		if v[key] {
			t.Errorf("number %d repeats value %d: %v", n, at, value)
		}
		v[key] = true
	}
}

// ask invokes the function and checks its clocks: it was initialised after began.
func ask(t *testing.T, s *link.Session, began, deadline time.Time) answer {
	t.Helper()
	ev := &link.Event{EventMeta: link.EventMeta{ID: "id", ARN: "arn", DeadlineMS: deadline.UnixMilli()}, Payload: []byte("{}")}
	before := time.Now()
	reply, err := s.Invoke(ev, deadline, lambda.MaxResponseBytes)
	if err != nil || reply.Failed {
		t.Fatalf("%s, %v", reply.Payload, err)
	}
	var got answer
	if err := json.Unmarshal(reply.Payload, &got); err != nil {
		t.Fatalf("%v in %s", err, reply.Payload)
	}
	const blur = 2 // seconds; how exact a clock is, the engines' own tests ask
	if from, to := float64(before.UnixMilli())/1e3-blur, float64(time.Now().UnixMilli())/1e3+blur; got.Unix < from || got.Unix > to {
		t.Errorf("the clock says %f between %f and %f", got.Unix, from, to)
	}
	if most := time.Since(began).Seconds() + blur; got.Since < 0 || got.Since > most+1 { // bash counts whole seconds
		t.Errorf("%f seconds since init, which was %f ago at most", got.Since, most)
	}
	return got
}

// startCopy starts a sandbox and its runtime and initialises the function.
func startCopy(t *testing.T, box sandbox.Sandbox, img runtimes.Image, deadline time.Time) *link.Session {
	t.Helper()
	if err := box.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := link.Open(t.Context(), box.Link().Control, box.Link().Data)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	initFunction(t, s, img, deadline)
	return s
}

// createCopy creates a sandbox with the function's image, which ends with the test.
func createCopy(t *testing.T, engine sandbox.Engine, img runtimes.Image, task, id string) sandbox.Sandbox {
	t.Helper()
	box, err := engine.Create(t.Context(), sandbox.Spec{
		ID: id, Root: img.Path, Args: []string{runtimes.AgentPath}, Mounts: []string{runtimes.TaskRoot},
		Limits: sandbox.Limits{MemoryBytes: 512 << 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Destroy(); err != nil {
			t.Error(err)
		}
	})
	if err := box.Attach(t.Context(), task, runtimes.TaskRoot); err != nil {
		t.Fatal(err)
	}
	return box
}

// initFunction starts the runtime, from the beginning with its function, and waits for the end of init.
func initFunction(t *testing.T, s *link.Session, img runtimes.Image, deadline time.Time) {
	t.Helper()
	env := img.Env()
	env["AWS_LAMBDA_INITIALIZATION_TYPE"], env["AWS_LAMBDA_RUNTIME_API"], env["COLOUR"] = "snap-start", "127.0.0.1:9001", "blue"
	start := link.StartRequest{
		Kind: img.Kind(), Argv: img.Argv(), Dir: runtimes.TaskRoot, UID: runtimes.UserID, GID: runtimes.GroupID, TmpBytes: 512 << 20,
	}
	for k, v := range env {
		start.Env = append(start.Env, k+"="+v)
	}
	err := s.Start(start)
	if err == nil && img.Kind() == link.KindFrames {
		err = s.Specialise(link.Specialisation{Handler: "app.handler", TaskRoot: runtimes.TaskRoot, Env: env}, deadline)
	}
	if err == nil {
		err = s.AwaitReady(deadline)
	}
	if err != nil {
		t.Fatal(err)
	}
}
