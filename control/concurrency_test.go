package control_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

func (p *plane) wantShare(t *testing.T, name, version string, reserved, unreserved, provisioned int) {
	t.Helper()
	want := lambda.Share{Reserved: reserved, Unreserved: unreserved, Provisioned: provisioned}
	if got := p.Share(account, name, version); got != want {
		t.Errorf("share of %s:%s is %+v, want %+v", name, version, got, want)
	}
}

func (p *plane) reserve(t *testing.T, name string, n int) {
	t.Helper()
	if err := p.Reserve(t.Context(), account, name, n); err != nil {
		t.Fatal(err)
	}
}

func (p *plane) provision(t *testing.T, name, version string, n int) {
	t.Helper()
	got, err := p.Provision(t.Context(), account, name, version, n)
	if err != nil {
		t.Fatal(err)
	}
	if got.Requested != n || got.Allocated != 0 || got.Available != 0 || got.Status != lambda.ProvisionedInProgress || got.LastModified.IsZero() {
		t.Errorf("provision answered %+v", got)
	}
}

const none = lambda.NoReservation

func TestReservedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		p.active(t, "g")
		before := p.get(t, "f")
		p.wantShare(t, "f", "$LATEST", none, 1000, 0)
		p.wantShare(t, "nobody", "$LATEST", none, 1000, 0)
		p.reserve(t, "f", 0)
		p.wantShare(t, "f", "$LATEST", 0, 1000, 0)
		p.reserve(t, "f", 600)
		wantError(t, p.Reserve(t.Context(), account, "g", 301), lambda.KindInvalid,
			"Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100].")
		p.reserve(t, "g", 300)
		p.wantShare(t, "f", "$LATEST", 600, 100, 0)
		p.wantShare(t, "g", "1", 300, 100, 0)
		p.reserve(t, "f", 600)
		p.reserve(t, "f", 599)
		if f := p.get(t, "f"); f.Reserved == nil || *f.Reserved != 599 || f.Config.RevisionID != before.Config.RevisionID {
			t.Errorf("f is %+v", f)
		}
		for range 2 {
			if err := p.Unreserve(t.Context(), account, "f"); err != nil {
				t.Fatal(err)
			}
		}
		p.wantShare(t, "f", "$LATEST", none, 700, 0)
		p.update(t, "g", control.Settings{Timeout: ptr(9)}) // keeps it
		p.Close()
		p.open(t)
		p.wantShare(t, "g", "$LATEST", 300, 700, 0)
		if err := p.Delete(t.Context(), account, "g"); err != nil {
			t.Fatal(err)
		}
		if p.Unreserved(account) != 1000 || p.AccountConcurrency() != 1000 {
			t.Errorf("unreserved %d of %d", p.Unreserved(account), p.AccountConcurrency())
		}
		wantError(t, p.Reserve(t.Context(), account, "g", 1), lambda.KindNotFound, "Function not found")
		wantError(t, p.Unreserve(t.Context(), account, "g"), lambda.KindNotFound, "Function not found")
	})
}

func TestProvisionedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		p.publish(t, "f")
		p.update(t, "f", control.Settings{Timeout: ptr(9)})
		p.publish(t, "f")
		p.slots.Calls()

		_, err := p.ProvisionedOf(account, "f", "1")
		wantError(t, err, lambda.KindNoProvisioned, "No Provisioned Concurrency Config found for this function")
		p.provision(t, "f", "1", 3)
		p.told(t, "expect f:1 128, provision f:1 3")
		p.provision(t, "f", "2", 5)
		p.slots.Allocate()
		got, err := p.ProvisionedOf(account, "f", "1")
		if err != nil || got.Requested != 3 || got.Allocated != 3 || got.Available != 3 || got.Status != lambda.ProvisionedReady || got.Version != "1" {
			t.Errorf("provisioned %+v, %v", got, err)
		}
		p.wantShare(t, "f", "1", none, 992, 3)
		p.wantShare(t, "f", "2", none, 992, 5)
		p.wantShare(t, "f", "$LATEST", none, 992, 0)
		list := func(after, limit int) string {
			page, more, err := p.ListProvisioned(account, "f", after, limit)
			if err != nil {
				t.Fatal(err)
			}
			text := fmt.Sprint(more)
			for _, c := range page {
				text += fmt.Sprintf(" %s:%d", c.Version, c.Requested)
			}
			return text
		}
		for want, got := range map[string]string{"false 1:3 2:5": list(0, 2), "true 1:3": list(0, 1), "false 2:5": list(1, 1), "false": list(2, 9)} {
			if got != want {
				t.Errorf("list %q, want %q", got, want)
			}
		}

		provision := func(version string, n int) error {
			_, err := p.Provision(t.Context(), account, "f", version, n)
			return err
		}
		wantError(t, provision("$LATEST", 1), lambda.KindInvalid, "cannot be applied to unpublished function versions")
		wantError(t, provision("prod", 1), lambda.KindNotFound, "Cannot find alias arn: "+arn+":prod")
		wantError(t, provision("9", 1), lambda.KindNotFound, "Function not found: "+arn+":9")
		wantError(t, provision("1", 896), lambda.KindInvalid, "below its minimum value of [100]")
		wantError(t, provision("1", 996), lambda.KindInvalid, "is greater than account's unreserved concurrency [992]")
		p.provision(t, "f", "1", 895)
		p.provision(t, "f", "1", 3)

		wantError(t, p.Reserve(t.Context(), account, "f", 7), lambda.KindInvalid, "should not be lower than function's total provisioned concurrency [8]")
		p.reserve(t, "f", 8)
		p.wantShare(t, "f", "1", 8, 992, 3)
		wantError(t, provision("1", 4), lambda.KindInvalid, "should not be greater than the reservedConcurrentExecution for function")
		if err := p.Unreserve(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		p.wantShare(t, "f", "1", none, 992, 3)

		p.slots.Calls()
		p.Close()
		p.open(t) // it is asked for again
		p.told(t, "expect f:$LATEST 128, expect f:1 128, provision f:1 3, expect f:2 128, provision f:2 5")

		for range 2 {
			if err := p.Unprovision(t.Context(), account, "f", "1"); err != nil {
				t.Fatal(err)
			}
		}
		wantError(t, p.Unprovision(t.Context(), account, "f", "9"), lambda.KindNotFound, "Function not found")
		if got := strings.Join(p.slots.Versions(), " "); got != "f:2 5" {
			t.Errorf("the slots keep %s", got)
		}
		if err := p.DeleteVersion(t.Context(), account, "f", "2"); err != nil {
			t.Fatal(err)
		}
		p.wantShare(t, "f", "2", none, 1000, 0)
		if got := p.slots.Versions(); len(got) != 0 {
			t.Errorf("the slots keep %s", got)
		}
		_, _, err = p.ListProvisioned(account, "nobody", 0, 1)
		wantError(t, err, lambda.KindNotFound, "Function not found")
		_, err = p.ProvisionedOf(account, "nobody", "1")
		wantError(t, err, lambda.KindNotFound, "Function not found")
	})
}

func TestProvisionedNeedsAReadyVersion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.create(t, snapStart("s"))
		synctest.Wait()
		p.publish(t, "s")
		synctest.Wait()
		_, err := p.Provision(t.Context(), account, "s", "1", 1)
		wantError(t, err, lambda.KindInvalid, "not supported for SnapStart enabled functions")
	})
	synctest.Test(t, func(t *testing.T) {
		p, prepare := newPlane(), make(chan struct{})
		p.packages.Build = func(context.Context, string) error { <-prepare; return nil }
		p.open(t)
		in := input("f")
		in.Publish = true
		p.create(t, in)
		_, err := p.Provision(t.Context(), account, "f", "1", 1)
		wantError(t, err, lambda.KindConflict, "currently in the following state: Pending")
		close(prepare)
		synctest.Wait()
		p.provision(t, "f", "1", 1)
	})
}

// Before the slots have heard of a change, it is in progress.
func TestProvisionedFollowsTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		p.publish(t, "f")
		p.provision(t, "f", "1", 2)
		p.slots.Discard(account, "f", "1") // as if they never had
		got, err := p.ProvisionedOf(account, "f", "1")
		if err != nil || got.Requested != 2 || got.Status != lambda.ProvisionedInProgress {
			t.Errorf("%+v, %v", got, err)
		}
	})
}

// However many reserve at once, the account keeps its unreserved minimum.
func TestRacingReservations(t *testing.T) {
	p := newPlane().open(t)
	const n = 12
	for i := range n {
		p.create(t, input(fmt.Sprintf("f%d", i)))
	}
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			name := fmt.Sprintf("f%d", i)
			for round := range 20 {
				err := p.Reserve(context.Background(), account, name, 100+round)
				if err != nil && lambda.KindOf(err) != lambda.KindInvalid {
					t.Error(err)
				}
				if left := p.Unreserved(account); left < lambda.MinUnreserved {
					t.Errorf("%d are left unreserved", left)
				}
				if err := p.Unreserve(context.Background(), account, name); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	if left := p.Unreserved(account); left != lambda.AccountConcurrency {
		t.Errorf("%d are left when nobody has a reservation", left)
	}
	cancelled, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Reserve(cancelled, account, "f0", 1); err == nil {
		t.Error("a cancelled call reserved")
	}
}

// A version's provisioned environments never outlive it, however its deletion and its settings meet.
func TestProvisionRacesWithDelete(t *testing.T) {
	p := newPlane().open(t)
	for range 50 {
		p.create(t, input("f"))
		waitActive(t, p, "f")
		p.publish(t, "f")
		done := make(chan error, 1)
		go func() {
			_, err := p.Provision(context.Background(), account, "f", "1", 2)
			done <- err
		}()
		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		if err := <-done; err != nil && lambda.KindOf(err) != lambda.KindNotFound {
			t.Fatal(err)
		}
		if got := p.slots.Versions(); len(got) != 0 {
			t.Fatalf("the slots keep %s", got)
		}
	}
}
