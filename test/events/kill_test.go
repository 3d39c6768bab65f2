package events_test

import (
	"bufio"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/thawtest"
)

var (
	events = flag.Int("events", 2000, "events that the server accepts in TestKilledServerDeliversEverything")
	kills  = flag.Int("kills", 10, "how often it is killed meanwhile")
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// queue is an SQS queue that counts the records of each event.
type queue struct {
	*httptest.Server
	mu       sync.Mutex
	received map[int]int    // records by the number in the event
	ids      map[int]string // the request id of each
	mixed    []string       // events that came with two request ids
}

func openQueue(t *testing.T) *queue {
	t.Helper()
	q := &queue{received: map[int]int{}, ids: map[int]string{}}
	q.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Amz-Target") == "AmazonSQS.GetQueueUrl" {
			fmt.Fprintf(w, `{"QueueUrl":"%s/0/q"}`, q.URL)
			return
		}
		var m struct{ MessageBody string }
		var record struct {
			RequestContext struct{ RequestID, Condition string }
			RequestPayload int
		}
		if json.NewDecoder(r.Body).Decode(&m) != nil || json.Unmarshal([]byte(m.MessageBody), &record) != nil || record.RequestContext.Condition != "Success" {
			t.Errorf("message %q", m.MessageBody)
		}
		q.mu.Lock()
		n, id := record.RequestPayload, record.RequestContext.RequestID
		if q.received[n]++; q.ids[n] != "" && q.ids[n] != id {
			q.mixed = append(q.mixed, fmt.Sprint(n))
		}
		q.ids[n] = id
		q.mu.Unlock()
		fmt.Fprint(w, `{"MessageId":"m"}`)
	}))
	t.Cleanup(q.Close)
	return q
}

// missing counts the events of accepted of which no record has come.
func (q *queue) missing(accepted map[int]string) int {
	q.mu.Lock()
	defer q.mu.Unlock()
	n := 0
	for i := range accepted {
		if q.received[i] == 0 {
			n++
		}
	}
	return n
}

// site is where the servers run, one after the other.
type site struct {
	program, agent, data, keys, sqs string
}

// start starts a server and returns a client of it and its process.
func (s *site) start(t *testing.T) (*client.Client, *exec.Cmd) {
	t.Helper()
	cmd := exec.Command(s.program, "-engine", "fake", "-log", "WARN", "-sentry", "/nonexistent/sentry",
		"-data", s.data, "-agent", s.agent, "-sqs", s.sqs, "-credentials", s.keys) //nolint:gosec,noctx // the test kills it
	log := &thawtest.Log{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if cmd.ProcessState == nil {
			_ = cmd.Process.Kill()
			_ = cmd.Wait()
		}
		if t.Failed() {
			t.Logf("a server's log:\n%s", log.Tail(20))
		}
	})
	addr, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the server does not start: %v\n%s", err, log.Tail(40))
	}
	o, err := client.FromDataDir(s.data, "http://"+strings.TrimSpace(addr))
	if err != nil {
		t.Fatal(err)
	}
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c, cmd
}

// load sends events until enough were accepted or the server is gone.
type load struct {
	mu       sync.Mutex
	accepted map[int]string // the request ids of those that the server accepted
	next     atomic.Int64
}

func (l *load) send(ctx context.Context, c *client.Client, want int) {
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for ctx.Err() == nil {
				l.mu.Lock()
				enough := len(l.accepted) >= want
				l.mu.Unlock()
				if enough {
					return
				}
				n := int(l.next.Add(1))
				id, err := c.InvokeEvent(ctx, "f", "", []byte(fmt.Sprint(n)))
				if err != nil {
					return // it was killed; the event may have been accepted
				}
				l.mu.Lock()
				l.accepted[n] = id
				l.mu.Unlock()
			}
		})
	}
	wg.Wait()
}

// A server that is killed again and again runs each accepted event, and brings its record to its destination, at least once;
// how many come twice is counted and bounded. The whole run: go test ./test/events -run Killed -events 10000 -kills 50.
func TestKilledServerDeliversEverything(t *testing.T) {
	dir := t.TempDir()
	q := openQueue(t)
	s := &site{
		program: helperbin.Build(t, "thaw.dev/thaw/test/server"), agent: helperbin.Agent(t),
		data: filepath.Join(dir, "data"), keys: filepath.Join(dir, "keys"), sqs: q.URL,
	}
	if err := os.WriteFile(s.keys, []byte("[default]\naws_access_key_id = a\naws_secret_access_key = b\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c, cmd := s.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	_, err := c.CreateFunction(ctx, client.CreateFunctionInput{
		FunctionName: "f", Runtime: "provided.al2023", Handler: "app.handler", Role: thawtest.Role, MemorySize: 128, Timeout: 10,
		Code: client.CodeInput{ZipFile: thawtest.Zip(t, thawtest.Files{"bootstrap*": "the fake engine runs none"})},
	})
	if err == nil {
		_, err = c.WaitActive(ctx, "f")
	}
	if err == nil {
		err = c.PutFunctionEventInvokeConfig(ctx, client.EventInvokeInput{Function: "f", OnSuccess: "arn:aws:sqs:us-east-1:000000000000:q"})
	}
	if err != nil {
		t.Fatal(err)
	}

	l := &load{accepted: map[int]string{}}
	begin := time.Now()
	for k := range *kills {
		delay := time.Duration(20+rand.IntN(300)) * time.Millisecond //nolint:gosec // the moment of the kill is what the test varies
		killed := make(chan struct{})
		go func() { // ends with the timer
			defer close(killed)
			<-time.After(delay)
			_ = cmd.Process.Kill()
		}()
		l.send(ctx, c, *events*(k+1)/(*kills))
		<-killed
		_ = cmd.Wait() // it was killed
		c, cmd = s.start(t)
	}
	l.send(ctx, c, *events)
	if len(l.accepted) < *events {
		t.Fatalf("only %d events accepted", len(l.accepted))
	}
	sent := time.Since(begin)
	for q.missing(l.accepted) > 0 && ctx.Err() == nil {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
		}
	}
	if n := q.missing(l.accepted); n > 0 {
		t.Fatalf("%d of %d accepted events were never delivered", n, len(l.accepted))
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM the server ended with %v", err)
	}

	q.mu.Lock()
	defer q.mu.Unlock()
	twice, unanswered := 0, 0
	for n, times := range q.received {
		twice += times - 1
		if id, ok := l.accepted[n]; !ok {
			unanswered++
		} else if id != q.ids[n] {
			t.Errorf("event %d was accepted as %s and delivered as %s", n, id, q.ids[n])
		}
	}
	t.Logf("%d events accepted, %d kills, sent in %v, all delivered after %v; %d records came again; %d events ran whose caller got no answer",
		len(l.accepted), *kills, sent.Round(time.Millisecond), time.Since(begin).Round(time.Millisecond), twice, unanswered)
	if len(q.mixed) > 0 {
		t.Errorf("events with two request ids: %v", q.mixed)
	}
	if most := *kills * 100; twice > most {
		t.Errorf("%d records came again, want at most %d", twice, most)
	}
}
