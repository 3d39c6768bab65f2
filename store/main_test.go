package store_test

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(crashDirVariable); dir != "" {
		writeUntilKilled(dir)
		return
	}
	if dir := os.Getenv(eventCrashDirVariable); dir != "" {
		queueUntilKilled(dir)
		return
	}
	if dir := os.Getenv(memoryDirVariable); dir != "" {
		if err := printMemory(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	leakcheck.Main(m)
}

// open opens the store in dir and closes it with the test.
func open(t testing.TB, dir string) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Dir: dir, Logger: testLogger(t, slog.LevelWarn)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// testLogger fails the test when something is logged at that level or above.
func testLogger(t testing.TB, level slog.Level) *slog.Logger {
	return slog.New(slog.NewTextHandler(failingWriter{t}, &slog.HandlerOptions{Level: level}))
}

type failingWriter struct{ t testing.TB }

func (w failingWriter) Write(line []byte) (int, error) {
	w.t.Errorf("logged: %s", line)
	return len(line), nil
}

// function is a record with every member set.
func function(account, name string) store.Function {
	serving := config(account, name)
	serving.Description = "the one before"
	return store.Function{
		Config:  config(account, name),
		Serving: &serving,
		Tags:    map[string]string{"team": "a", "empty": ""},
	}
}

func config(account, name string) lambda.Config {
	return lambda.Config{
		Account: account, Name: name, Version: lambda.Latest,
		Role: "arn:aws:iam::" + account + ":role/r", Runtime: "python3.11", Handler: "app.handler",
		Description: "says <hello> & more", Timeout: 3, MemoryMB: 128, EphemeralMB: 512,
		Environment: map[string]string{"KEY": "välue"}, LogGroup: "/aws/lambda/" + name,
		Code:       lambda.Code{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Size: 1234},
		RevisionID: "0d6b3c5e-4a63-4f5e-9f0a-7c1c8e1f2a3b", LastModified: time.Date(2026, 1, 31, 12, 34, 56, 789e6, time.UTC),
		State: lambda.StateActive, StateReason: "r", StateReasonCode: "c",
		UpdateStatus: lambda.UpdateInProgress, UpdateReason: "ur", UpdateReasonCode: "uc",
	}
}

// fill stores n functions of account.
func fill(t testing.TB, s *store.Store, account string, n int) {
	t.Helper()
	for i := range n {
		if _, err := s.Functions().Create(t.Context(), function(account, fmt.Sprintf("f-%05d", i))); err != nil {
			t.Fatal(err)
		}
	}
}
