package slots_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const patience = 60 * time.Second

// await waits until the server's status is as ok wants it.
func await(t *testing.T, s *thawtest.Server, what string, ok func(pool.Status) bool) pool.Status {
	t.Helper()
	for deadline := time.Now().Add(s.Allow(patience)); ; time.Sleep(5 * time.Millisecond) {
		status := s.Status()
		if ok(status) {
			return status
		}
		if time.Now().After(deadline) {
			t.Fatalf("not in time: %s: %+v", what, status)
		}
	}
}

// stocked reports whether every stock is at its target.
func stocked(s pool.Status) bool {
	for _, st := range s.Stocks {
		if st.Ready < st.Target {
			return false
		}
	}
	return len(s.Stocks) > 0
}

// environments returns those of a function.
func environments(s pool.Status, function string) []pool.EnvironmentStatus {
	var out []pool.EnvironmentStatus
	for _, e := range s.Environments {
		if e.Function == function {
			out = append(out, e)
		}
	}
	return out
}

func hello(runtime string) thawtest.Function {
	f := thawtest.Function{Runtime: runtime, Handler: "app.handler", MemoryMB: 128}
	if runtime[:4] == "node" {
		f.Files = thawtest.Files{"app.js": "exports.handler = async (e) => e.n + 1\n"}
	} else {
		f.Files = thawtest.Files{"app.py": "def handler(e, c):\n    return e['n'] + 1\n"}
	}
	return f
}

func TestColdStartsTakeHotSlots(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.HotSlots = 3 })
	for _, runtime := range []string{thawtest.Python(t), thawtest.Node(t)} {
		for i := range s.Fewer(3) {
			t.Run(fmt.Sprint(runtime, i), func(t *testing.T) {
				name := s.Deploy(t, hello(runtime))
				await(t, s, "stocks are filled", stocked)
				if got := s.Call(t, name, `{"n":1}`); string(got.Payload) != "2" {
					t.Fatalf("%s: %s", runtime, got.Payload)
				}
				if es := environments(s.Status(), name); len(es) != 1 || es[0].Source != pool.SourceHot {
					t.Errorf("%s: %+v", runtime, es)
				}
			})
		}
	}
	if testing.Verbose() {
		t.Log(s.Log.Tail(100))
	}
}

func TestWithoutAHotSlotTheTemplateServes(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.HotSlots = 1 })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import os, random, ssl, time, uuid
def handler(e, c):
    time.sleep(e.get("hold", 0))
    return [random.random(), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()), str(uuid.uuid4()), os.urandom(8).hex()]
`}})
	await(t, s, "the template is made", func(st pool.Status) bool { return st.Snapshots.Count == 1 })
	await(t, s, "stocks are filled", stocked)
	answers := make(chan []any)
	const callers = 5
	for range callers {
		go func() { // ends with its answer
			var a []any
			s.Result(t, name, `{"hold":2}`, &a)
			answers <- a
		}()
	}
	seen := map[any]bool{}
	for range callers {
		for _, v := range <-answers {
			if seen[v] {
				t.Errorf("%v came twice", v)
			}
			seen[v] = true
		}
	}
	sources := map[pool.Source]int{}
	for _, e := range environments(s.Status(), name) {
		sources[e.Source]++
	}
	if len(seen) != 5*callers || sources[pool.SourceHot] == callers || sources[pool.SourceSnapshot] > 0 {
		t.Errorf("%d values, %v", len(seen), sources)
	}
	if log := s.Log.Tail(10_000); strings.Contains(log, "template could not be restored") {
		t.Error(log)
	}
	if testing.Verbose() {
		t.Log(s.Log.Tail(30))
	}
}

func TestIdleEnvironmentsAreFrozen(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.FreezeAfter = 20 * time.Millisecond })
	// Counts in the background, which stands still while the environment is frozen.
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import threading, time
n = 0
def count():
    global n
    while True:
        n += 1
        time.sleep(0.001)
def handler(e, c):
    if threading.active_count() == 1:
        threading.Thread(target=count, daemon=True).start()
    return n
`}})
	frozen := func(st pool.Status) bool {
		es := environments(st, name)
		return len(es) == 1 && es[0].State == pool.StateFrozen
	}
	var before, after int
	s.Result(t, name, `{}`, &before)
	for range 3 {
		await(t, s, "frozen", frozen)
		time.Sleep(300 * time.Millisecond) // long enough for some 300 steps
		s.Result(t, name, `{}`, &after)
		if steps := after - before; steps < 1 || steps > 150 {
			t.Errorf("%d steps in 20 ms of grace and 300 ms of frost", steps)
		}
		before = after
	}
}

func TestHeavyInitStartsFromASnapshot(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.SnapshotLatest, c.EmptySlots = true, 2 })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Timeout: 20, Files: thawtest.Files{"app.py": `
import os, random, ssl, time, uuid
started = time.monotonic(); wall = time.time()
time.sleep(0.5)
big = list(range(200000))
open("/tmp/made", "w").write("during init")
def handler(e, c):
    time.sleep(e.get("hold", 0))
    return {
        "random": random.random(), "uuid1": str(uuid.uuid1()), "uuid4": str(uuid.uuid4()), "urandom": os.urandom(8).hex(),
        "ssl": ssl.RAND_bytes(8).hex(), "sum": len(big), "tmp": open("/tmp/made").read(), "stream": c.log_stream_name,
        "env": os.environ["AWS_LAMBDA_LOG_STREAM_NAME"], "wall": time.time(), "age": time.time() - wall, "mono": time.monotonic() - started,
    }
`}})
	type answer struct {
		Random                     float64
		UUID1, UUID4, Urandom, SSL string
		Sum                        int
		Tmp, Stream, Env           string
		Wall, Age, Mono            float64
	}
	var first answer
	s.Result(t, name, `{}`, &first)
	await(t, s, "snapshot", func(pool.Status) bool { return strings.Contains(s.Log.Tail(200), "snapshot made") })
	answers := make([]answer, 4)
	done := make(chan int)
	for i := range answers {
		go func() { // ends with its answer
			s.Result(t, name, `{"hold":1}`, &answers[i])
			done <- i
		}()
	}
	for range answers {
		<-done
	}
	sources := map[pool.Source]int{}
	for _, e := range environments(s.Status(), name) {
		sources[e.Source]++
	}
	if sources[pool.SourceSnapshot] != len(answers)-1 {
		t.Errorf("sources %v\n%s", sources, s.Log.Tail(60))
	}
	seen := map[any]bool{first.Random: true, first.UUID1: true, first.UUID4: true, first.Urandom: true, first.SSL: true}
	for _, a := range answers {
		for _, v := range []any{a.Random, a.UUID1, a.UUID4, a.Urandom, a.SSL} {
			if seen[v] {
				t.Errorf("%v was there before", v)
			}
			seen[v] = true
		}
		if a.Sum != 200000 || a.Tmp != "during init" || a.Stream != a.Env {
			t.Errorf("got %+v", a)
		}
		if now := float64(time.Now().UnixNano()) / 1e9; a.Wall < now-30 || a.Wall > now {
			t.Errorf("the clock says %f at %f", a.Wall, now)
		}
	}
	if testing.Verbose() {
		t.Log(s.Log.Tail(60))
	}
}
