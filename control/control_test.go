package control_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	account = "000000000000"
	arn     = "arn:aws:lambda:us-east-1:000000000000:function:f"
)

// plane is a control plane over doubles.
type plane struct {
	*control.Functions
	store    *controltest.Store
	packages *controltest.Packages
	layers   controltest.Layers
	slots    *controltest.Slots
	runtime  func(ctx context.Context, name string) error
	random   func() float64
}

// newPlane returns a plane that is not open yet. Tests set its doubles' hooks before open.
func newPlane() *plane {
	p := &plane{store: &controltest.Store{}, packages: &controltest.Packages{}, layers: controltest.Layers{}, slots: &controltest.Slots{}}
	p.runtime = func(context.Context, string) error { return nil }
	return p
}

// open starts the plane; the test's end closes it.
func (p *plane) open(t *testing.T) *plane {
	t.Helper()
	p.Functions = control.New(control.Options{
		Region: "us-east-1", Store: p.store, Packages: p.packages, Layers: p.layers,
		EnsureRuntime: func(ctx context.Context, fn *lambda.Config) error { return p.runtime(ctx, fn.Runtime) },
		Slots:         p.slots, Random: p.random, Logger: slog.New(slog.DiscardHandler),
	})
	p.Open()
	t.Cleanup(p.Close)
	return p
}

// told fails unless the slots were told just that since the last look at them.
func (p *plane) told(t *testing.T, want string) {
	t.Helper()
	if got := p.slots.Calls(); got != want {
		t.Errorf("the slots were told %q, want %q", got, want)
	}
}

func ptr[T any](v T) *T { return &v }

// input is a function that can be created.
func input(name string) control.CreateInput {
	return control.CreateInput{
		Account: account, Name: name, Zip: []byte("PK one"),
		Settings: control.Settings{
			Role: ptr("arn:aws:iam::000000000000:role/r"), Runtime: ptr("python3.11"), Handler: ptr("main.handler"),
		},
	}
}

func (p *plane) create(t *testing.T, in control.CreateInput) *lambda.Config {
	t.Helper()
	c, err := p.Create(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (p *plane) get(t *testing.T, name string) store.Function {
	t.Helper()
	f, err := p.Get(account, name, "")
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// wantState fails unless c is in that state; the fields are State, reason code, update status, its reason code.
func wantState(t *testing.T, c *lambda.Config, want string) {
	t.Helper()
	got := fmt.Sprintf("%s/%s/%s/%s", c.State, c.StateReasonCode, c.UpdateStatus, c.UpdateReasonCode)
	if got != want {
		t.Fatalf("state %s, want %s (reasons %q, %q)", got, want, c.StateReason, c.UpdateReason)
	}
}

// waitActive waits outside of a bubble.
func waitActive(t *testing.T, p *plane, name string) {
	t.Helper()
	for p.get(t, name).Config.State != lambda.StateActive {
		runtime.Gosched()
	}
}

func wantError(t *testing.T, err error, kind lambda.Kind, text string) {
	t.Helper()
	e, ok := errors.AsType[*lambda.Error](err)
	if !ok || e.Kind != kind || !strings.Contains(e.Msg, text) {
		t.Fatalf("error %#v, want kind %d with %q", err, kind, text)
	}
}

func TestLifeOfAFunction(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		gate := make(chan struct{})
		p.packages.Build = func(ctx context.Context, _ string) error {
			select {
			case <-gate:
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		p.open(t)

		created := p.create(t, input("f"))
		wantState(t, created, "Pending/Creating//")
		if created.StateReason != "The function is being created." || created.RevisionID == "" || created.LastModified.IsZero() {
			t.Errorf("create answer %+v", created)
		}
		if created.Timeout != 3 || created.MemoryMB != 128 || created.EphemeralMB != 512 || created.LogGroup != "/aws/lambda/f" {
			t.Errorf("defaults %+v", created)
		}
		_, err := p.Resolve(account, "f", "")
		wantError(t, err, lambda.KindConflict, "currently in the following state: Pending")
		_, err = p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f"})
		wantError(t, err, lambda.KindConflict, "The operation cannot be performed at this time. The function is currently in the following state: Pending")
		_, err = p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK two")})
		wantError(t, err, lambda.KindConflict, "Pending")
		if p.get(t, "f").Serving != nil {
			t.Error("a Pending function serves")
		}

		gate <- struct{}{}
		synctest.Wait()
		active := p.get(t, "f")
		wantState(t, &active.Config, "Active//Successful/")
		if active.Config.StateReason != "" || active.Config.RevisionID == created.RevisionID {
			t.Errorf("active %+v", active.Config)
		}
		if active.Config.LastModified != created.LastModified {
			t.Error("LastModified changed with the state")
		}
		if got, err := p.Resolve(account, "f", "$LATEST"); err != nil || got != active.Serving || got.RevisionID != active.Config.RevisionID {
			t.Errorf("Resolve gave %v, %v", got, err)
		}
		p.told(t, "expect f:$LATEST 128")

		time.Sleep(time.Second) // inside the bubble: so that LastModified can differ
		updated, err := p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK two")})
		if err != nil {
			t.Fatal(err)
		}
		wantState(t, updated, "Active//InProgress/Creating")
		if updated.UpdateReason != "The function is being created." || updated.RevisionID == active.Config.RevisionID ||
			!updated.LastModified.After(active.Config.LastModified) || updated.Code == active.Config.Code {
			t.Errorf("update answer %+v", updated)
		}
		if got, err := p.Resolve(account, "f", ""); err != nil || got.Code != active.Config.Code {
			t.Errorf("during the update %v, %v serves, want the old code", got, err)
		}
		_, err = p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f"})
		wantError(t, err, lambda.KindConflict, "An update is in progress for resource: "+arn)
		err = p.Tag(t.Context(), account, "f", map[string]string{"a": "b"})
		wantError(t, err, lambda.KindConflict, "An update is in progress")

		gate <- struct{}{}
		synctest.Wait()
		done := p.get(t, "f")
		wantState(t, &done.Config, "Active//Successful/")
		if done.Serving.Code != updated.Code || done.Config.RevisionID == updated.RevisionID {
			t.Errorf("after the update %+v", done)
		}
		p.told(t, "discard f:$LATEST, expect f:$LATEST 128")

		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		_, err = p.Get(account, "f", "")
		wantError(t, err, lambda.KindNotFound, "Function not found: "+arn)
		p.told(t, "discard f")
		wantError(t, p.Delete(t.Context(), account, "f"), lambda.KindNotFound, "Function not found: "+arn)
	})
}

func TestFailedPreparations(t *testing.T) {
	broken := errors.New("disk on fire")
	for _, test := range []struct {
		name           string
		runtime, build error
		code, reason   string
	}{
		{"runtime is not installed", lambda.Errorf(lambda.KindInvalid, "run: thaw runtime add python3.11"), nil, "InvalidRuntime", "run: thaw runtime add python3.11"},
		{"runtime cannot be made", broken, nil, "InternalError", "The function could not be prepared because of an error inside Thaw."},
		{"zip cannot be unpacked", nil, lambda.Errorf(lambda.KindInvalid, "bad zip"), "InvalidZipFileException", "bad zip"},
		{"image cannot be made", nil, broken, "InternalError", "The function could not be prepared because of an error inside Thaw."},
		{"preparation takes too long", nil, context.DeadlineExceeded, "InternalError", "The function could not be prepared because of an error inside Thaw."},
	} {
		t.Run(test.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPlane()
				fails := true
				p.runtime = func(context.Context, string) error {
					if fails {
						return test.runtime
					}
					return nil
				}
				p.packages.Build = func(ctx context.Context, _ string) error {
					if !fails {
						return nil
					}
					if test.build == context.DeadlineExceeded {
						<-ctx.Done()
						return ctx.Err()
					}
					return test.build
				}
				p.open(t)

				p.create(t, input("f"))
				time.Sleep(time.Hour)
				f := p.get(t, "f")
				wantState(t, &f.Config, "Failed/"+test.code+"/Failed/"+test.code)
				if f.Config.StateReason != test.reason || f.Serving != nil {
					t.Errorf("failed function %+v", f)
				}
				_, err := p.Resolve(account, "f", "")
				wantError(t, err, lambda.KindConflict, "Failed")
				_, err = p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f"})
				wantError(t, err, lambda.KindConflict, "Failed")

				fails = false
				p.create(t, input("g"))
				synctest.Wait()
				fails = true
				if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "g", Settings: control.Settings{Timeout: ptr(9)}}); err != nil {
					t.Fatal(err)
				}
				time.Sleep(time.Hour)
				g := p.get(t, "g")
				wantState(t, &g.Config, "Active//Failed/"+test.code)
				if g.Config.Timeout != 9 || g.Serving == nil || g.Serving.Timeout != 3 || g.Config.UpdateReason != test.reason {
					t.Errorf("function with a failed update %+v, serving %+v", g.Config, g.Serving)
				}
				if got := p.slots.Calls(); strings.Contains(got, "discard") {
					t.Errorf("the slots were told %q although nothing new serves", got)
				}
				fails = false
				if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "g"}); err != nil {
					t.Fatalf("update after a failed one: %v", err)
				}
				synctest.Wait()
				g = p.get(t, "g")
				wantState(t, &g.Config, "Active//Successful/")
			})
		})
	}
}

func TestRestartTakesUpUnfinishedWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		stuck := true
		p.packages.Build = func(ctx context.Context, _ string) error {
			if stuck {
				<-ctx.Done()
				return ctx.Err()
			}
			return nil
		}
		p.open(t)
		p.create(t, input("new"))
		synctest.Wait()
		p.Close()
		f := p.get(t, "new")
		wantState(t, &f.Config, "Pending/Creating//")

		stuck = false
		p.open(t)
		synctest.Wait()
		f = p.get(t, "new")
		wantState(t, &f.Config, "Active//Successful/")

		stuck = true
		if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "new", Settings: control.Settings{MemoryMB: ptr(256)}}); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		p.Close()
		f = p.get(t, "new")
		wantState(t, &f.Config, "Active//InProgress/Creating")
		stuck = false
		p.open(t)
		synctest.Wait()
		if got, err := p.Resolve(account, "new", ""); err != nil || got.MemoryMB != 256 {
			t.Errorf("after the second restart %+v, %v", got, err)
		}
	})
}

func TestDeleteStopsThePreparation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		stopped := make(chan struct{}, 1)
		stuck := true
		p.packages.Build = func(ctx context.Context, _ string) error {
			if !stuck {
				return nil
			}
			<-ctx.Done()
			stopped <- struct{}{}
			return ctx.Err()
		}
		p.open(t)
		p.create(t, input("f"))
		synctest.Wait()
		stuck = false
		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		<-stopped
		p.create(t, input("f")) // the same name at once
		synctest.Wait()
		f := p.get(t, "f")
		wantState(t, &f.Config, "Active//Successful/")
	})
}

func TestOutcomeIsStoredWhenTheStoreRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		var failures int
		p.store.Fail = func(op string) error {
			if op == "update" && failures < 5 {
				failures++
				return errors.New("no quorum")
			}
			return nil
		}
		p.open(t)
		p.create(t, input("f"))
		time.Sleep(time.Minute)
		f := p.get(t, "f")
		wantState(t, &f.Config, "Active//Successful/")
		if failures != 5 {
			t.Errorf("%d failures were seen, want 5", failures)
		}
	})
}

func TestTagsDuringCreationDoNotLoseTheOutcome(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		gate := make(chan struct{})
		p.packages.Build = func(context.Context, string) error { <-gate; return nil }
		p.open(t)
		before := p.create(t, input("f"))
		if err := p.Tag(t.Context(), account, "f", map[string]string{"team": "ice"}); err != nil {
			t.Fatal(err)
		}
		if f := p.get(t, "f"); f.Config.RevisionID == before.RevisionID {
			t.Error("a tag left the RevisionID")
		}
		gate <- struct{}{}
		synctest.Wait()
		f := p.get(t, "f")
		wantState(t, &f.Config, "Active//Successful/")
		if f.Tags["team"] != "ice" {
			t.Errorf("tags %v", f.Tags)
		}
	})
}

func TestRacingUpdates(t *testing.T) {
	p := newPlane().open(t)
	p.create(t, input("f"))
	waitActive(t, p, "f")
	for range 50 {
		f := p.get(t, "f")
		results := make(chan error, 2)
		for i := range 2 {
			go func() {
				_, err := p.UpdateConfig(context.Background(), control.UpdateConfigInput{
					Account: account, Name: "f", RevisionID: &f.Config.RevisionID, Settings: control.Settings{Timeout: ptr(i + 1)},
				})
				results <- err
			}()
		}
		won := 0
		for range 2 {
			switch err := <-results; {
			case err == nil:
				won++
			case lambda.KindOf(err) != lambda.KindPrecondition && lambda.KindOf(err) != lambda.KindConflict:
				t.Fatalf("loser got %v", err)
			}
		}
		if won != 1 {
			t.Fatalf("%d of two updates of one revision won", won)
		}
		for p.get(t, "f").Config.UpdateStatus == lambda.UpdateInProgress {
			runtime.Gosched()
		}
	}
}

func TestRacingCreates(t *testing.T) {
	p := newPlane().open(t)
	results := make(chan error, 8)
	for range 8 {
		go func() {
			_, err := p.Create(context.Background(), input("f"))
			results <- err
		}()
	}
	won := 0
	for range 8 {
		if err := <-results; err == nil {
			won++
		} else {
			wantError(t, err, lambda.KindConflict, "Function already exist: f")
		}
	}
	if won != 1 {
		t.Errorf("%d creations of one name won", won)
	}
}

func TestUpdatePreconditions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.create(t, input("f"))
		synctest.Wait()
		f := p.get(t, "f")
		stale := "11111111-2222-3333-4444-555555555555"
		_, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", RevisionID: &stale})
		wantError(t, err, lambda.KindPrecondition, "The Revision Id provided does not match the latest Revision Id.")
		_, err = p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK"), RevisionID: &stale})
		wantError(t, err, lambda.KindPrecondition, "does not match")

		dry, err := p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK 2"), DryRun: true, RevisionID: &f.Config.RevisionID})
		if err != nil || dry.Code == f.Config.Code || dry.Code.Size != 4 {
			t.Errorf("dry run %+v, %v", dry, err)
		}
		if after := p.get(t, "f"); after.Seq != f.Seq {
			t.Error("a dry run wrote")
		}
		_, err = p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "nobody", Zip: []byte("PK")})
		wantError(t, err, lambda.KindNotFound, "Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody")
	})
}

func TestSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		in := input("f")
		in.Settings.Environment = map[string]string{"A_KEY": "1"}
		in.Settings.LogGroup = ptr("mine")
		in.Settings.Description = ptr("first")
		p.create(t, in)
		synctest.Wait()
		update := func(s control.Settings) *lambda.Config {
			t.Helper()
			c, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", Settings: s})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return c
		}
		c := update(control.Settings{Timeout: ptr(900), MemoryMB: ptr(1769), EphemeralMB: ptr(1024)})
		if c.Timeout != 900 || c.MemoryMB != 1769 || c.EphemeralMB != 1024 || c.LogGroup != "mine" || c.Description != "first" || c.Environment["A_KEY"] != "1" {
			t.Errorf("after an update of numbers %+v", c)
		}
		c = update(control.Settings{Description: ptr(""), Environment: map[string]string{}, LogGroup: ptr("")})
		if c.Description != "" || c.Environment == nil || len(c.Environment) != 0 || c.LogGroup != "/aws/lambda/f" {
			t.Errorf("after clearing %+v", c)
		}
	})
}

func TestSemanticValidation(t *testing.T) {
	p := newPlane().open(t)
	for _, test := range []struct {
		name   string
		change func(*control.CreateInput)
		kind   lambda.Kind
		text   string
	}{
		{"no runtime", func(in *control.CreateInput) { in.Settings.Runtime = nil }, lambda.KindInvalid, "Runtime and Handler are mandatory parameters for functions created with deployment packages."},
		{"empty handler", func(in *control.CreateInput) { in.Settings.Handler = ptr("") }, lambda.KindInvalid, "Runtime and Handler are mandatory"},
		{"unknown runtime", func(in *control.CreateInput) { in.Settings.Runtime = ptr("cobol85") }, lambda.KindInvalid, "Value cobol85 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs18.x, "},
		{"runtime not here", func(in *control.CreateInput) { in.Settings.Runtime = ptr("java21") }, lambda.KindInvalid, "The runtime java21 is not implemented yet by Thaw"},
		{"huge runtime", func(in *control.CreateInput) { in.Settings.Runtime = ptr(strings.Repeat("x", 1<<20)) }, lambda.KindInvalid, "…"},
		{"no code", func(in *control.CreateInput) { in.Zip = nil }, lambda.KindInvalid, "Please provide a source for function code."},
		{"empty code", func(in *control.CreateInput) { in.Zip = []byte{} }, lambda.KindInvalid, "Uploaded file must be a non-empty zip"},
		{"not a zip", func(in *control.CreateInput) { in.Zip = []byte("text") }, lambda.KindInvalid, "Could not unzip uploaded file."},
		{"code too large", func(in *control.CreateInput) { in.Zip = make([]byte, lambda.MaxZipFromS3Bytes+1) }, lambda.KindEntityTooLarge, "262144000"},
		{"reserved variables", func(in *control.CreateInput) {
			in.Settings.Environment = map[string]string{"AWS_REGION": "x", "_HANDLER": "y", "OK": "z"}
		}, lambda.KindInvalid, "contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, _HANDLER"},
		{"environment of 4,097 bytes", func(in *control.CreateInput) {
			in.Settings.Environment = map[string]string{"KEY": strings.Repeat("v", 4096-len(`{"KEY":""}`)+1)}
		}, lambda.KindInvalid, `exceeded the 4KB limit. String measured: {"KEY":"vvv`},
		{"NUL in a variable", func(in *control.CreateInput) { in.Settings.Environment = map[string]string{"KEY": "a\x00b"} }, lambda.KindInvalid, "NUL"},
		{"51 tags", func(in *control.CreateInput) {
			in.Tags = map[string]string{}
			for i := range 51 {
				in.Tags[fmt.Sprint(i)] = ""
			}
		}, lambda.KindInvalid, "Number of tags exceeds resource tag limit."},
		{"system tag", func(in *control.CreateInput) { in.Tags = map[string]string{"AWS:x": ""} }, lambda.KindInvalid, "System tags"},
	} {
		t.Run(test.name, func(t *testing.T) {
			in := input("f")
			test.change(&in)
			_, err := p.Create(t.Context(), in)
			wantError(t, err, test.kind, test.text)
			if e, _ := errors.AsType[*lambda.Error](err); len(e.Msg) > 16<<10 {
				t.Errorf("the message has %d bytes", len(e.Msg))
			}
		})
	}
	in := input("full")
	in.Settings.Environment = map[string]string{"KEY": strings.Repeat("v", 4096-len(`{"KEY":""}`))}
	p.create(t, in)
}

func TestTags(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		in := input("f")
		in.Tags = map[string]string{"a": "1", "b": "2"}
		p.create(t, in)
		synctest.Wait()
		before := p.get(t, "f")
		if err := p.Tag(t.Context(), account, "f", map[string]string{"b": "3", "c": "4"}); err != nil {
			t.Fatal(err)
		}
		if err := p.Untag(t.Context(), account, "f", []string{"a", "nothing"}); err != nil {
			t.Fatal(err)
		}
		after := p.get(t, "f")
		if fmt.Sprint(after.Tags) != "map[b:3 c:4]" || fmt.Sprint(before.Tags) != "map[a:1 b:2]" {
			t.Errorf("tags %v, those read before %v", after.Tags, before.Tags)
		}
		if after.Config.RevisionID == before.Config.RevisionID || after.Serving != before.Serving {
			t.Error("tags must give a new revision and leave what serves")
		}
		wantError(t, p.Tag(t.Context(), account, "g", nil), lambda.KindNotFound, "Function not found")
	})
}

func TestListPages(t *testing.T) {
	p := newPlane().open(t)
	for i := range 7 {
		p.create(t, input(fmt.Sprintf("f%d", i)))
	}
	other := input("f3")
	other.Account = "111111111111"
	p.create(t, other)
	var names []string
	after, more := "", true
	for pages := 0; more; pages++ {
		var page []*store.Function
		page, more = p.List(account, after, 3)
		for _, f := range page {
			if f.Config.Account != account {
				t.Errorf("page has a function of %s", f.Config.Account)
			}
			names = append(names, f.Config.Name)
		}
		after = names[len(names)-1]
		if pages == 0 { // the one the next page begins behind goes away
			if err := p.Delete(t.Context(), account, after); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got := strings.Join(names, " "); got != "f0 f1 f2 f3 f4 f5 f6" {
		t.Errorf("pages gave %s", got)
	}
	if page, more := p.List(account, "zzz", 3); len(page) != 0 || more {
		t.Errorf("behind the last: %v, %v", page, more)
	}
}

func TestCodeStorage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.create(t, input("f"))
		synctest.Wait()
		full := p.get(t, "f")
		full.Config.Code.Size = lambda.MaxCodeStorageBytes - 3
		full, err := p.store.Update(t.Context(), full)
		if err != nil {
			t.Fatal(err)
		}
		if u := p.Usage(account); u.Functions != 1 || u.CodeBytes != full.Config.Code.Size {
			t.Errorf("usage %+v", u)
		}
		_, err = p.Create(t.Context(), input("g"))
		wantError(t, err, lambda.KindCodeStorage, "Code storage limit exceeded.")
		if _, err := p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte("PK small")}); err != nil {
			t.Errorf("replacing the large package: %v", err)
		}
	})
}

func TestOtherVersionsDoNotExist(t *testing.T) {
	p := newPlane().open(t)
	p.create(t, input("f"))
	for _, qualifier := range []string{"1", "prod", "$LATEST.PUBLISHED"} {
		_, err := p.Get(account, "f", qualifier)
		wantError(t, err, lambda.KindNotFound, "Function not found: "+arn+":"+qualifier)
	}
	if _, err := p.Get(account, "f", "$LATEST"); err != nil {
		t.Error(err)
	}
}
