package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// snapStart is a function with SnapStart that can be created.
func snapStart(name string) control.CreateInput {
	in := input(name)
	in.Settings.SnapStart = ptr(lambda.SnapStartPublishedVersions)
	return in
}

func TestSnapStartVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		gate := make(chan struct{})
		var optimised *lambda.Config
		p.slots.Snapshot = func(ctx context.Context, fn *lambda.Config) error {
			optimised = fn
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.open(t)
		p.create(t, snapStart("f"))
		synctest.Wait()
		p.told(t, "expect f:$LATEST 128")
		if f := p.get(t, "f"); f.Config.Optimized {
			t.Error("$LATEST is optimised")
		}
		one := p.publish(t, "f")
		wantState(t, one, "Pending/Creating//")
		if one.StateReason != "The function is being created." || one.Optimized {
			t.Errorf("published %+v", one)
		}
		synctest.Wait()
		p.told(t, "optimise f:1")
		_, err := p.Resolve(account, "f", "1")
		wantError(t, err, lambda.KindSnapStartNotReady, "ready to invoke once your function state becomes ACTIVE")
		if _, err := p.Resolve(account, "f", ""); err != nil {
			t.Errorf("$LATEST waits for the snapshot: %v", err)
		}
		p.create(t, input("g")) // snapshots hold up nobody else
		synctest.Wait()
		g := p.get(t, "g")
		wantState(t, &g.Config, "Active//Successful/")
		p.slots.Calls()

		first := optimised
		p.Close() // a restart in the midst of it begins again, with the same revision
		p.open(t)
		synctest.Wait()
		if optimised.RevisionID != first.RevisionID {
			t.Error("after a restart the snapshot is of another revision")
		}
		close(gate)
		synctest.Wait()
		p.told(t, "expect f:$LATEST 128, expect g:$LATEST 128, optimise f:1, expect f:1 128")
		got, err := p.Resolve(account, "f", "1")
		if err != nil || !got.Optimized || got.RevisionID != optimised.RevisionID || got.RevisionID == one.RevisionID {
			t.Errorf("version 1 serves %+v, %v; the snapshot is of %+v", got, err, optimised)
		}
		wantState(t, got, "Active//Successful/")
		p.Close()
		p.open(t)
		synctest.Wait()
		p.told(t, "expect f:$LATEST 128, expect g:$LATEST 128, expect f:1 128")
		if again := p.publish(t, "f"); again.Version != "1" {
			t.Errorf("publishing the same gave version %s", again.Version)
		}
	})
}

func TestSnapshotsThatFail(t *testing.T) {
	for _, test := range []struct {
		name         string
		err          error
		code, reason string
	}{
		{"init", fmt.Errorf("cold start: %w", &link.InitError{ErrorType: "Runtime.ImportModuleError", Payload: []byte(`{"errorType":"Runtime.ImportModuleError","errorMessage":"no module x"}`)}),
			"FunctionError.RuntimeInitError", "Runtime.ImportModuleError: no module x"},
		{"init with garbage", &link.InitError{ErrorType: "Odd", Payload: []byte(`{{`)}, "FunctionError.RuntimeInitError", "init failed: Odd"},
		{"huge", &link.InitError{ErrorType: "Odd", Payload: []byte(`{"errorMessage":"` + strings.Repeat("x", 1<<20) + `"}`)}, "FunctionError.RuntimeInitError", "…"},
		{"exit", &lambda.Error{Kind: lambda.KindInvalid, Msg: "m", Err: &link.ExitError{ExitMeta: link.ExitMeta{Signal: "killed"}}}, "FunctionError.RuntimeInitError", "runtime ended by signal: killed"},
		{"no bootstrap", &link.ExitError{ExitMeta: link.ExitMeta{StartError: "Runtime.InvalidEntrypoint", Message: "no such file"}}, "FunctionError.InvalidEntryPoint", "start runtime: no such file"},
		{"time", fmt.Errorf("init: %w", link.ErrTimeout), "FunctionError.InitTimeout", "did not finish its init in time"},
		{"refused", lambda.Errorf(lambda.KindInvalid, "this engine has no snapshots"), "FunctionError", "this engine has no snapshots"},
		{"ours", errors.New("disk on fire"), "InternalError", "because of an error inside Thaw"},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlane()
				failing := test.err
				p.slots.Snapshot = func(context.Context, *lambda.Config) error { return failing }
				p.open(t)
				p.create(t, snapStart("f"))
				synctest.Wait()
				p.publish(t, "f")
				synctest.Wait()
				f, err := p.Get(account, "f", "1")
				if err != nil || f.Config.Optimized || !strings.Contains(f.Config.StateReason, test.reason) || len(f.Config.StateReason) > 9<<10 {
					t.Errorf("version 1 is %+v, %v; want the reason %q", f.Config, err, test.reason)
				}
				wantState(t, &f.Config, "Failed/"+test.code+"//")
				failing = nil
				if again := p.publish(t, "f"); again.Version != "2" {
					t.Errorf("after a failure version %s was published", again.Version)
				}
				synctest.Wait()
				if _, err := p.Resolve(account, "f", "2"); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestDeletionStopsTheSnapshot(t *testing.T) {
	for name, remove := range map[string]func(*plane, context.Context) error{
		"version":  func(p *plane, ctx context.Context) error { return p.DeleteVersion(ctx, account, "f", "1") },
		"function": func(p *plane, ctx context.Context) error { return p.Delete(ctx, account, "f") },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlane()
				p.slots.Snapshot = func(ctx context.Context, _ *lambda.Config) error {
					<-ctx.Done()
					return ctx.Err()
				}
				p.open(t)
				p.create(t, snapStart("f"))
				synctest.Wait()
				p.publish(t, "f")
				synctest.Wait()
				p.slots.Calls()
				start := time.Now()
				if err := remove(p, t.Context()); err != nil {
					t.Fatal(err)
				}
				synctest.Wait()
				if time.Since(start) > 0 {
					t.Error("the snapshot went on")
				}
				// What the worker finds afterwards is told once more: a snapshot may have come in between.
				want := map[string]string{"version": "discard f:1, discard f:1", "function": "discard f, discard f:1"}[name]
				p.told(t, want)
			})
		})
	}
}

func TestOutcomeOfASnapshotIsStoredWhenTheStoreRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		failures := 0
		p.store.Fail = func(op string) error {
			if op == "update version" && failures < 5 {
				failures++
				return errors.New("no quorum")
			}
			return nil
		}
		p.open(t)
		p.create(t, snapStart("f"))
		synctest.Wait()
		p.publish(t, "f")
		time.Sleep(time.Minute)
		if _, err := p.Resolve(account, "f", "1"); err != nil || failures != 5 {
			t.Errorf("after %d failures: %v", failures, err)
		}
	})
}

func TestSnapStartValidation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		in := snapStart("f")
		in.Settings.Runtime = ptr("nodejs20.x")
		_, err := p.Create(t.Context(), in)
		wantError(t, err, lambda.KindInvalid, "nodejs20.x is not supported for SnapStart enabled functions.")
		in = snapStart("f")
		in.Settings.EphemeralMB = ptr(513)
		_, err = p.Create(t.Context(), in)
		wantError(t, err, lambda.KindInvalid, "Ephemeral storage of more than 512 MB is not supported for SnapStart enabled functions.")
		p.active(t, "f")
		p.update(t, "f", control.Settings{EphemeralMB: ptr(1024)})
		_, err = p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", Settings: control.Settings{SnapStart: ptr(lambda.SnapStartPublishedVersions)}})
		wantError(t, err, lambda.KindInvalid, "Ephemeral storage")
		p.update(t, "f", control.Settings{SnapStart: ptr(lambda.SnapStartPublishedVersions), EphemeralMB: ptr(512)})
		if f := p.get(t, "f"); f.Config.SnapStart != lambda.SnapStartPublishedVersions {
			t.Errorf("SnapStart %q", f.Config.SnapStart)
		}
		p.update(t, "f", control.Settings{SnapStart: ptr(lambda.SnapStartNone)})
		if one := p.publish(t, "f"); one.State != lambda.StateActive {
			t.Errorf("version without SnapStart is %s", one.State)
		}
	})
}
