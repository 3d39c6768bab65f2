package store

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"thaw.dev/thaw/lambda"
)

// lineWriter hands over every line that is logged.
type lineWriter chan string

func (w lineWriter) Write(line []byte) (int, error) {
	w <- string(line)
	return len(line), nil
}

// Changes that another process made reach the view in their order. Records it cannot read are reported, and the state
// before them stays.
func TestForeignWrites(t *testing.T) {
	t.Parallel()
	lines := make(lineWriter, 10)
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(lines, &slog.HandlerOptions{Level: slog.LevelError}))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(key string, value []byte) {
		t.Helper()
		if _, err := s.functions.kv.Put(t.Context(), key, value); err != nil {
			t.Fatal(err)
		}
	}
	record := func(name string) []byte {
		t.Helper()
		data, err := encodeFunction(Function{Config: lambda.Config{Account: "0", Name: name}})
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	put("other.kind.of.record", []byte("anything"))
	put("fn.0.a", record("a"))
	put("fn.0.b", record("b"))
	if err := s.functions.kv.Delete(t.Context(), "fn.0.b"); err != nil {
		t.Fatal(err)
	}
	put("fn.0.a", []byte(`{"schema":5}`))
	if line := <-lines; !strings.Contains(line, "key=fn.0.a") || !strings.Contains(line, "newer release") {
		t.Errorf("logged %s", line)
	}
	put("fn.0.c", record("d"))
	if line := <-lines; !strings.Contains(line, "key=fn.0.c") {
		t.Errorf("logged %s", line)
	}
	if got := s.Functions().All(); len(got) != 1 || got[0].Config.Name != "a" {
		t.Errorf("All = %+v, want function a", got)
	}
}

func TestOpenRefusesNewerRecords(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.functions.kv.Put(t.Context(), "fn.0.a", []byte(`{"schema":5}`)); err != nil {
		t.Fatal(err)
	}
	for i := range 600 { // more than fits into the channels between
		if _, err := s.functions.kv.Put(t.Context(), fmt.Sprintf("fn.0.b%d", i), []byte(`{"schema":5}`)); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Options{Dir: dir}); !errors.Is(err, ErrNewer) || !strings.Contains(err.Error(), "fn.0.a") {
		t.Errorf("Open: %v, want ErrNewer naming the key", err)
	}
}

// Logs that cannot be written are reported, and counted for the log itself.
func TestLogWriteFails(t *testing.T) {
	t.Parallel()
	lines := make(lineWriter, 10)
	s, err := Open(t.Context(), Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(lines, nil))})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for len(lines) > 0 {
		<-lines
	}
	s.logs.conn.Close()
	s.logs.Append("0", "g", "s", []LogEvent{{Message: "a"}, {Message: "b"}})
	if err := s.logs.Flush(context.Background()); err == nil {
		t.Fatal("Flush says that events were written to a closed connection")
	}
	if line := <-lines; !strings.Contains(line, "function logs lost") || !strings.Contains(line, "events=2") {
		t.Errorf("logged %s", line)
	}
	s.logs.Append("0", "g", "s", []LogEvent{{Message: "c"}})
	if err := s.logs.Flush(context.Background()); err == nil {
		t.Fatal("Flush says that events were written to a closed connection")
	}
	s.logs.mu.Lock()
	defer s.logs.mu.Unlock()
	if n := s.logs.queue[logGroup{"0", "g"}].dropped["s"]; n != 3 || s.logs.queued != 0 {
		t.Errorf("%d events counted as dropped, %d bytes queued; want 3 and 0", n, s.logs.queued)
	}
}
