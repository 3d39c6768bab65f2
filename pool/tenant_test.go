package pool_test

import (
	"testing"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
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
