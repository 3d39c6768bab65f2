package chaos_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

// callers is how many callers there are beside those that change functions.
const callers = 6

// answer is what all functions answer.
type answer struct {
	Name   string
	Nonce  int64
	Serial int64
}

// traffic invokes and changes functions, and judges the answers.
type traffic struct {
	t      *testing.T
	server *thawtest.Server
	*fleet
	nonce                                     atomic.Int64
	good, provoked, left, throttled, replaced int64Counter

	mu   sync.Mutex
	hurt []string // what failed because something was broken, guarded by mu
}

type int64Counter struct{ atomic.Int64 }

func (c *int64Counter) String() string { return fmt.Sprint(c.Load()) }

func (l *traffic) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return fmt.Sprintf("answers: %d good, %d provoked errors, %d hurt; %d callers left, %d throttled, %d changes;",
		l.good.Load(), l.provoked.Load(), len(l.hurt), l.left.Load(), l.throttled.Load(), l.replaced.Load())
}

// call invokes functions until ctx ends.
func (l *traffic) call(ctx context.Context, r *rand.Rand) {
	for ctx.Err() == nil {
		f := l.functions[r.IntN(len(l.functions))]
		l.invoke(f, r)
		if r.IntN(5) == 0 { // long enough for what is idle to be frozen, or to end
			pause(ctx, time.Duration(r.IntN(700))*time.Millisecond)
		}
	}
}

// shelter invokes the function that nothing may happen to until ctx ends. It leaves it idle long enough to be frozen, and
// not long enough to end. No slot without a function is killed while one of its invocations is under way, as that might
// be about to take the slot.
func (l *traffic) shelter(ctx context.Context, r *rand.Rand, b *trouble) {
	for ctx.Err() == nil {
		nonce := l.nonce.Add(1)
		b.quiet.Lock()
		within, cancel := context.WithTimeout(context.Background(), patience)
		out, err := l.server.Invoke(within, client.InvokeInput{Function: l.sheltered.name, Payload: fmt.Appendf(nil, `{"nonce": %d}`, nonce)})
		cancel()
		b.quiet.Unlock()
		if err != nil || out.FunctionError != "" {
			l.t.Errorf("%s: %s, %v", l.sheltered.name, out.Payload, err)
		} else {
			l.succeeded(l.sheltered, out, nonce)
		}
		pause(ctx, time.Duration(r.IntN(150))*time.Millisecond)
	}
}

// invoke makes one invocation, which may be one that fails by itself, or whose caller leaves.
func (l *traffic) invoke(f *function, r *rand.Rand) {
	// Not the test's time: every invocation that was begun must come to an end by itself.
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	leaves := r.IntN(10) == 0
	if leaves {
		ctx, cancel = context.WithTimeout(ctx, time.Duration(r.IntN(40))*time.Millisecond)
		defer cancel()
	}
	do := []string{"", "", "", "", "sleep", "sleep", "raise", "exit"}[r.IntN(8)]
	nonce := l.nonce.Add(1)
	event := fmt.Sprintf(`{"nonce": %d, "do": %q, "ms": %d}`, nonce, do, r.IntN(60))
	out, err := l.server.Invoke(ctx, client.InvokeInput{Function: f.name, Payload: []byte(event)})
	wantError := f.errors[do]
	switch {
	case err != nil && leaves && errors.Is(err, context.DeadlineExceeded):
		l.left.Add(1)
	case err != nil:
		l.failed(f, err)
	case out.FunctionError != "":
		l.functionFailed(f, out, wantError)
	case wantError != "":
		l.t.Errorf("%s was told to %s and answered %s", f.name, do, out.Payload)
	default:
		l.succeeded(f, out, nonce)
	}
}

func (l *traffic) succeeded(f *function, out client.InvokeOutput, nonce int64) {
	var got answer
	if err := json.Unmarshal(out.Payload, &got); err != nil || got.Name != f.name || got.Nonce != nonce {
		l.t.Errorf("%s answered %s to %d", f.name, out.Payload, nonce)
	}
	if newest := f.serial.Load(); got.Serial > newest || (!f.changes && got.Serial != newest) {
		l.t.Errorf("%s answered with code %d, the newest is %d", f.name, got.Serial, newest)
	}
	l.good.Add(1)
}

// functionFailed judges an answer that says that the function failed.
func (l *traffic) functionFailed(f *function, out client.InvokeOutput, want string) {
	var got struct{ ErrorType, ErrorMessage string }
	if err := json.Unmarshal(out.Payload, &got); err != nil {
		l.t.Errorf("%s failed with %.300s", f.name, out.Payload)
	}
	switch {
	case want != "" && got.ErrorType == want:
		l.provoked.Add(1)
	case got.ErrorType == "Sandbox.Failure", got.ErrorType == "Runtime.OutOfMemory":
		l.isHurt(f.name + ": " + string(out.Payload))
	default:
		l.t.Errorf("%s failed with %.300s, it was told to do %q", f.name, out.Payload, want)
	}
}

// failed judges an error of an invocation or a change.
func (l *traffic) failed(f *function, err error) {
	switch {
	case f.limits && client.IsCode(err, "TooManyRequestsException"):
		l.throttled.Add(1)
	case client.IsCode(err, "ServiceException"):
		l.isHurt(f.name + ": " + err.Error())
	case f.changes && (client.IsCode(err, "ResourceNotFoundException") || client.IsCode(err, "ResourceConflictException")):
	default:
		l.t.Errorf("%s: %v", f.name, err)
	}
}

func (l *traffic) isHurt(what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.hurt = append(l.hurt, what)
}

// check compares what failed with what was broken: one sandbox carries one invocation.
func (l *traffic) check(trouble *trouble) {
	if killed := int(trouble.killed.Load()); len(l.hurt) > killed {
		slices.Sort(l.hurt)
		l.t.Errorf("%d invocations failed when %d sandboxes were killed:\n%q", len(l.hurt), killed, l.hurt)
	}
	if l.good.Load() == 0 || l.provoked.Load() == 0 || l.throttled.Load() == 0 || trouble.killed.Load() == 0 {
		l.t.Error("hardly anything happened: the test shows nothing")
	}
}

// change replaces f again and again, and checks that it is what was made of it last.
func (l *traffic) change(ctx context.Context, r *rand.Rand, f *function) {
	for ctx.Err() == nil {
		if !l.changeOnce(r, f) {
			return
		}
		l.replaced.Add(1)
		for range r.IntN(4) {
			l.invoke(f, r)
			pause(ctx, time.Duration(r.IntN(200))*time.Millisecond)
		}
	}
}

// changeOnce reports whether to go on.
func (l *traffic) changeOnce(r *rand.Rand, f *function) bool {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	switch n := r.IntN(12); {
	case n < 5:
		_, err = l.server.UpdateFunctionCode(ctx, f.name, thawtest.Zip(l.t, f.files(f.serial.Add(1))))
	case n < 8:
		memory := 128 + r.IntN(64)
		_, err = l.server.UpdateFunctionConfiguration(ctx, f.name, client.UpdateFunctionConfigurationInput{MemorySize: &memory})
	case n < 10:
		err = l.publish(ctx, f)
	default:
		if err = l.server.DeleteFunction(ctx, f.name); err == nil {
			err = f.send(ctx, l.t, l.server)
		}
	}
	if err == nil {
		_, err = l.server.WaitActive(ctx, f.name)
	}
	if err != nil {
		l.t.Errorf("change %s: %v", f.name, err)
	}
	return err == nil
}

// publish makes a version of f, which nobody else changes, and invokes it.
func (l *traffic) publish(ctx context.Context, f *function) error {
	v, err := l.server.PublishVersion(ctx, f.name)
	if err != nil {
		return err
	}
	if _, err := l.server.WaitActive(ctx, f.name+":"+v.Version); err != nil {
		return err
	}
	nonce := l.nonce.Add(1)
	out, err := l.server.Invoke(ctx, client.InvokeInput{Function: f.name, Qualifier: v.Version, Payload: fmt.Appendf(nil, `{"nonce": %d}`, nonce)})
	switch {
	case err != nil:
		l.failed(f, err)
	case out.FunctionError != "":
		l.functionFailed(f, out, "")
	case out.ExecutedVersion != v.Version:
		l.t.Errorf("version %s of %s was executed, asked for was %s", out.ExecutedVersion, f.name, v.Version)
	default:
		l.succeeded(f, out, nonce)
	}
	return nil
}

// limit changes f's reserved concurrency until ctx ends, and takes it away.
func (l *traffic) limit(ctx context.Context, r *rand.Rand, f *function) {
	for ctx.Err() == nil {
		if err := l.limitOnce(r, f); err != nil {
			l.t.Errorf("limit %s: %v", f.name, err)
			return
		}
		l.replaced.Add(1)
		pause(ctx, time.Duration(r.IntN(500))*time.Millisecond)
	}
	if err := l.server.DeleteFunctionConcurrency(context.Background(), f.name); err != nil {
		l.t.Errorf("limit %s: %v", f.name, err)
	}
}

func (l *traffic) limitOnce(r *rand.Rand, f *function) error {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	reserved := r.IntN(4) - 1
	if reserved < 0 {
		return l.server.DeleteFunctionConcurrency(ctx, f.name)
	}
	if err := l.server.PutFunctionConcurrency(ctx, f.name, reserved); err != nil || reserved > 0 {
		return err
	}
	out, err := l.server.Invoke(ctx, client.InvokeInput{Function: f.name, Payload: []byte(`{"nonce": 0}`)})
	if !client.IsCode(err, "TooManyRequestsException") {
		return fmt.Errorf("with nothing reserved: %s, %w", out.Payload, err)
	}
	l.throttled.Add(1)
	return nil
}

// pause waits; what happens at which moment is what the test varies.
func pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
