package control_test

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// TestOnTheRealStore creates, updates, restarts and deletes on an embedded store.
func TestOnTheRealStore(t *testing.T) {
	dir := t.TempDir()
	packages := &controltest.Packages{}
	open := func() (*control.Functions, func()) {
		t.Helper()
		s, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		f := control.New(control.Options{
			Region: "us-east-1", Store: s.Functions(), Packages: packages, Layers: controltest.Layers{}, Slots: &controltest.Slots{}, Logger: slog.New(slog.DiscardHandler),
			EnsureRuntime: func(context.Context, *lambda.Config) error { return nil },
		})
		f.Open()
		return f, func() {
			f.Close()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	wait := func(f *control.Functions) store.Function {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for time.Now().Before(deadline) {
			got, err := f.Get(account, "f", "")
			if err != nil {
				t.Fatal(err)
			}
			if got.Config.State == lambda.StateActive && got.Config.UpdateStatus != lambda.UpdateInProgress {
				return got
			}
		}
		t.Fatal("not ready within a minute")
		panic("unreachable")
	}

	f, closeAll := open()
	in := input("f")
	in.Settings.Environment = map[string]string{}
	if _, err := f.Create(t.Context(), in); err != nil {
		t.Fatal(err)
	}
	_, err := f.Create(t.Context(), in)
	wantError(t, err, lambda.KindConflict, "Function already exist: f")
	before := wait(f)
	if _, err := f.UpdateConfig(t.Context(), control.UpdateConfigInput{
		Account: account, Name: "f", RevisionID: &before.Config.RevisionID, Settings: control.Settings{Timeout: ptr(7)},
	}); err != nil {
		t.Fatal(err)
	}
	after := wait(f)
	closeAll()

	f, closeAll = open()
	defer closeAll()
	got := wait(f)
	if got.Config.RevisionID != after.Config.RevisionID || got.Config.Timeout != 7 || got.Serving == nil || got.Serving.Timeout != 7 ||
		got.Config.Environment == nil || !got.Config.LastModified.Equal(after.Config.LastModified) {
		t.Errorf("after a restart %+v serving %+v, want %+v", got.Config, got.Serving, after.Config)
	}
	if err := f.Delete(t.Context(), account, "f"); err != nil {
		t.Fatal(err)
	}
	_, err = f.Get(account, "f", "")
	wantError(t, err, lambda.KindNotFound, "Function not found")
}
