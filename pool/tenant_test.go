package pool_test

import (
	"errors"
	"testing"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
	"thaw.dev/thaw/sandbox/fake"
)

// An environment serves one tenant, also when another's caller is already waiting.
func TestTenantsShareNoEnvironment(t *testing.T) {
	t.Parallel()
	r := newRig(t, nil)
	fn := function("f", 128)
	fn.Tenancy = lambda.PerTenant
	of := func(tenant string) *lambda.Config {
		c, err := fn.ForTenant(tenant)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a := r.acquire(t, of("a"))
	waited := make(chan *pool.Environment)
	go func() { // ends with the environment of its own
		e, err := r.Acquire(t.Context(), of("b"))
		if err != nil {
			t.Error(err)
		}
		waited <- e
	}()
	r.Release(a)
	b := <-waited
	if a == b {
		t.Fatal("two tenants share an environment")
	}
	r.Release(b)
	if got := r.acquire(t, of("a")); got != a {
		t.Error("the first tenant did not get its environment again")
	}
	if got := r.acquire(t, of("b")); got != b {
		t.Error("the second tenant did not get its environment again")
	}
	r.Retire(fn.Account, fn.Name, "")
	r.Release(a)
	r.Release(b)
	r.await(t, pool.EventDestroyed)
	r.await(t, pool.EventDestroyed)
}

// An account has no more environments bound to tenants than it may: an idle one gives way, and if none is idle the caller is
// refused. Other functions and other accounts are not concerned.
func TestTenantsEnvironmentsAreBounded(t *testing.T) {
	t.Parallel()
	r := newRig(t, func(o *pool.Options, _ *fake.Options) { o.TenantEnvironments = 2 })
	fn := function("f", 128)
	fn.Tenancy = lambda.PerTenant
	of := func(fn *lambda.Config, tenant string) *lambda.Config {
		c, err := fn.ForTenant(tenant)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	a, b := r.acquire(t, of(fn, "a")), r.acquire(t, of(fn, "b"))
	if _, err := r.Acquire(t.Context(), of(fn, "c")); !errors.Is(err, pool.ErrTenants) {
		t.Fatalf("a third: %v", err)
	}
	r.Release(r.acquire(t, function("g", 128)))
	elsewhere := function("f", 128)
	elsewhere.Account, elsewhere.Tenancy = "111111111111", lambda.PerTenant
	r.Release(r.acquire(t, of(elsewhere, "a")))
	r.Release(b)
	c := r.acquire(t, of(fn, "c"))
	if e := r.await(t, pool.EventDestroyed); e.Cause != pool.CauseEvicted || e.Account != fn.Account || e.Function != "f" {
		t.Errorf("destroyed: %+v", e)
	}
	r.Release(a)
	if got := r.acquire(t, of(fn, "a")); got != a {
		t.Error("the first tenant did not get its environment again")
	}
	r.Release(a)
	r.Release(c)
}
