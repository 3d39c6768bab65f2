package pool_test

import (
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox/fake"
)

// TestCredentialsAreRenewed: an environment whose credentials are about to end serves nobody any more, whether it is busy,
// idle or provisioned at that moment.
func TestCredentialsAreRenewed(t *testing.T) {
	t.Parallel()
	var made atomic.Int64
	var life atomic.Int64
	r := newRig(t, func(o *pool.Options, _ *fake.Options) {
		o.Credentials = func(fn *lambda.Config, shared bool) pool.Credentials {
			if shared {
				t.Errorf("%s has no snapshot", fn.Name)
			}
			return pool.Credentials{
				Env:   map[string]string{"AWS_SESSION_TOKEN": strconv.FormatInt(made.Add(1), 10)},
				Renew: time.Now().Add(time.Duration(life.Load())),
			}
		}
	})
	fn := function("f", 128)
	r.Release(r.acquire(t, fn)) // too old from the beginning
	if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseOutdated {
		t.Errorf("given back: %+v", e)
	}
	life.Store(int64(50 * time.Millisecond))
	r.Release(r.acquire(t, fn))
	if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseOutdated {
		t.Errorf("idle: %+v", e)
	}
	life.Store(int64(time.Hour))
	first := r.acquire(t, fn)
	r.Release(first)
	if again := r.acquire(t, fn); again != first {
		t.Error("an environment with good credentials was not used again")
	}
	if made.Load() != 3 {
		t.Errorf("%d credentials for 3 environments", made.Load())
	}
}

// TestSharedCredentials: what may come of a snapshot gets the variables that all its copies have.
func TestSharedCredentials(t *testing.T) {
	t.Parallel()
	_, change := snapshots(t)
	r := newRig(t, func(o *pool.Options, fo *fake.Options) {
		change(o, fo)
		o.Credentials = func(fn *lambda.Config, shared bool) pool.Credentials {
			if shared != fn.Optimized {
				t.Errorf("%s: shared %v", fn.Name, shared)
			}
			return pool.Credentials{Env: map[string]string{"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://x/"}}
		}
	})
	fn := optimised("f")
	if err := r.Optimise(t.Context(), fn); err != nil {
		t.Fatal(err)
	}
	if e := r.acquire(t, fn); e.Source != pool.SourceSnapshot {
		t.Errorf("began with %s", e.Source)
	}
	r.Release(r.acquire(t, function("g", 128)))
}
