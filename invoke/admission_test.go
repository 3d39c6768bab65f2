package invoke_test

import (
	"context"
	"flag"
	"maps"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

var seedFlag = flag.Uint64("seed", 0, "repeat the random choices of the test run that printed this seed")

func random(t *testing.T) *rand.Rand {
	t.Helper()
	seed := *seedFlag
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("repeat with -seed %d", seed)
	return rand.New(rand.NewPCG(seed, 0))
}

func reasonOf(err error) string {
	if err == nil {
		return ""
	}
	return err.(*lambda.Error).Reason
}

// TestAdmissionFollowsTheModel takes a long random walk of invocations that begin, settle and end and of shares that
// change, and compares each decision and all counts with the model's.
func TestAdmissionFollowsTheModel(t *testing.T) {
	t.Parallel()
	r := random(t)
	s := newShares(8)
	a := invoke.NewAdmission(s)
	m := model{running: map[version]int{}, provisioned: map[version]int{}, reserved: map[version]bool{}}
	gone, cancel := context.WithCancel(t.Context())
	cancel() // nobody waits for what settles
	var under []entry
	all, decisions := versions(), map[string]int{}
	leave := func(i int) {
		a.Leave(under[i].p)
		m.running[under[i].v]--
		under = append(under[:i], under[i+1:]...)
	}
	for step := range 30_000 {
		v := all[r.IntN(len(all))]
		switch n := r.IntN(100); {
		case n < 4:
			s.change(r, v)
		case n < 55:
			want := m.enter(v, s.Share(v.account, v.name, v.version))
			p, err := a.Enter(gone, v.Function())
			if got := reasonOf(err); got != want {
				t.Fatalf("step %d: %v: refused for %q, want %q", step, v, got, want)
			}
			decisions[want]++
			if err == nil {
				under = append(under, entry{v, &p, false})
			}
		case len(under) == 0:
		case n < 60:
			under[len(under)-1].settle(a)
		default:
			leave(r.IntN(len(under)))
		}
		compare(t, step, a, &m)
	}
	for len(under) > 0 {
		leave(0)
		compare(t, -1, a, &m)
	}
	if left := a.Counts(); len(left) > 0 {
		t.Errorf("nothing runs, and the counts have %v", left)
	}
	if len(decisions) != 3 {
		t.Errorf("the walk did not come to all decisions: %v", decisions)
	}
	t.Log(decisions)
}

func compare(t *testing.T, step int, a invoke.Admission, m *model) {
	t.Helper()
	if err := a.Check(); err != nil {
		t.Fatalf("step %d: %v", step, err)
	}
	got := map[version]int{}
	charged := map[string]int{}
	for _, c := range a.Counts() {
		got[version{c.Account, c.Function, c.Version}] = c.Running
		charged[c.Account] += c.Unreserved
	}
	want := maps.Clone(m.running)
	maps.DeleteFunc(want, func(_ version, n int) bool { return n == 0 })
	if !maps.Equal(got, want) {
		t.Fatalf("step %d: counts %v, want %v", step, got, want)
	}
	for account, n := range charged {
		if want := m.charged(version{account: account}); n != want {
			t.Fatalf("step %d: %d count against account %s, want %d", step, n, account, want)
		}
	}
}

// TestAdmissionIsExactUnderRaces lets many goroutines in and out while the shares stand still, and measures from outside
// what is inside at once; between such rounds the shares change while they go in and out.
func TestAdmissionIsExactUnderRaces(t *testing.T) {
	t.Parallel()
	r := random(t)
	s := newShares(8)
	a := invoke.NewAdmission(s)
	reached := map[string]int{}
	for round := range 12 {
		crowd(t, a, r, 200, func(v version, r *rand.Rand) { s.change(r, v) }, nil)
		if left := a.Counts(); len(left) > 0 {
			t.Fatalf("round %d: nothing runs after changes, and the counts have %v", round, left)
		}
		crowd(t, a, r, 400, nil, newInside(s, reached))
		if t.Failed() {
			return
		}
	}
	if reached["reserved"] == 0 || reached["unreserved"] == 0 {
		t.Errorf("not every bound was reached: %v", reached)
	}
	t.Log("bounds reached:", reached)
}

// crowd sends goroutines in and out of a. change, if there is one, is called now and then.
func crowd(t *testing.T, a invoke.Admission, r *rand.Rand, steps int, change func(version, *rand.Rand), seen *inside) {
	t.Helper()
	all := versions()
	var wg sync.WaitGroup
	for range 16 {
		r := rand.New(rand.NewPCG(r.Uint64(), 1))
		wg.Go(func() {
			var under []entry
			leave := func() {
				last := under[len(under)-1]
				seen.left(last.v)
				a.Leave(last.p)
				under = under[:len(under)-1]
			}
			for range steps {
				v := all[r.IntN(len(all))]
				switch n := r.IntN(100); {
				case n < 5 && change != nil:
					change(v, r)
				case n < 60:
					ctx, cancel := context.WithCancel(t.Context())
					if r.IntN(4) > 0 {
						cancel() // this caller has left
					}
					if p, err := a.Enter(ctx, v.Function()); err == nil {
						if err := seen.entered(v); err != nil {
							t.Error(err)
						}
						under = append(under, entry{v, &p, false})
					}
					cancel()
				case len(under) == 0:
				case n < 65:
					under[len(under)-1].settle(a)
				default:
					leave()
				}
				if n := r.IntN(10); n == 0 {
					if err := a.Check(); err != nil {
						t.Error(err)
						return
					}
				}
			}
			for len(under) > 0 {
				leave()
			}
		})
	}
	wg.Wait()
	if err := a.Check(); err != nil {
		t.Error(err)
	}
}

// entry is one invocation under way.
type entry struct {
	v        version
	p        *invoke.Place
	settling bool
}

func (e *entry) settle(a invoke.Admission) {
	if !e.settling {
		e.settling = true
		a.Settle(e.p)
	}
}

func enter(t *testing.T, a invoke.Admission, v version) invoke.Place {
	t.Helper()
	p, err := a.Enter(t.Context(), v.Function())
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCallersAtABoundWaitForWhatSettles(t *testing.T) {
	t.Parallel()
	f := version{"a", "f", "1"}
	for name, s := range map[string]*shares{"reserved": newShares(0), "unreserved": newShares(1)} {
		if name == "reserved" {
			s.reserved[version{"a", "f", ""}] = 1
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				a := invoke.NewAdmission(s)
				p := enter(t, a, f)
				if _, err := a.Enter(t.Context(), f.Function()); err == nil {
					t.Fatal("admitted beyond the bound")
				}
				begin := time.Now()
				after := func(want time.Duration) {
					t.Helper()
					if took := time.Since(begin); took != want {
						t.Errorf("took %v, want %v", took, want)
					}
					begin = time.Now()
				}
				a.Settle(&p)
				if _, err := a.Enter(t.Context(), f.Function()); err == nil {
					t.Fatal("admitted while the environment was not free")
				}
				after(100 * time.Millisecond)

				next := make(chan invoke.Place)
				go func() { next <- enter(t, a, f) }()
				synctest.Wait()
				if _, err := a.Enter(t.Context(), f.Function()); err == nil {
					t.Error("two got in for one that settled")
				}
				after(0) // as many wait as settle: the others are refused at once
				time.Sleep(20 * time.Millisecond)
				a.Leave(&p)
				p = <-next
				after(20 * time.Millisecond)

				a.Settle(&p)
				ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
				defer cancel()
				if _, err := a.Enter(ctx, f.Function()); err == nil {
					t.Error("admitted while the environment was not free")
				}
				after(time.Millisecond)
				a.Leave(&p)
				if err := a.Check(); err != nil || len(a.Counts()) > 0 {
					t.Errorf("left: %v, %v", a.Counts(), err)
				}
			})
		})
	}
}
