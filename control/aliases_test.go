package control_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// versioned makes an Active function with n published versions; for use in a bubble.
func (p *plane) versioned(t *testing.T, name string, n int) {
	t.Helper()
	p.active(t, name)
	for i := range n {
		p.update(t, name, control.Settings{Timeout: ptr(10 + i)})
		p.publish(t, name)
	}
	p.slots.Calls()
}

// alias is what to create or change of an alias of f.
func alias(name, version string, weights map[string]float64) control.AliasInput {
	in := control.AliasInput{Account: account, Name: "f", Alias: name, Weights: weights}
	if version != "" {
		in.Version = &version
	}
	return in
}

func (p *plane) createAlias(t *testing.T, in control.AliasInput) *lambda.Alias {
	t.Helper()
	a, err := p.CreateAlias(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (p *plane) updateAlias(t *testing.T, in control.AliasInput) *lambda.Alias {
	t.Helper()
	a, err := p.UpdateAlias(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestAliasLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 2)
		before := p.get(t, "f")
		in := alias("live", "1", nil)
		in.Description = ptr("what all use")
		made := p.createAlias(t, in)
		if made.Name != "live" || made.Version != "1" || made.Description != "what all use" || made.RevisionID == "" || made.Additional != "" {
			t.Errorf("created %+v", made)
		}
		if got, err := p.Alias(account, "f", "live"); err != nil || *got != *made {
			t.Errorf("read %+v, %v", got, err)
		}
		if got, err := p.Resolve(account, "f", "live"); err != nil || got.Version != "1" || got.Timeout != 10 {
			t.Errorf("runs %+v, %v", got, err)
		}
		if got, err := p.Get(account, "f", "live"); err != nil || got.Config.Version != "1" || got.Serving == nil {
			t.Errorf("shown %+v, %v", got, err)
		}
		moved := p.updateAlias(t, alias("live", "2", nil))
		if moved.Version != "2" || moved.Description != "what all use" || moved.RevisionID == made.RevisionID {
			t.Errorf("moved %+v", moved)
		}
		if got, err := p.Resolve(account, "f", "live"); err != nil || got.Version != "2" {
			t.Errorf("runs %+v, %v", got, err)
		}
		in = alias("live", "", nil)
		in.Description, in.RevisionID = ptr(""), ptr(made.RevisionID)
		_, err := p.UpdateAlias(t.Context(), in)
		wantError(t, err, lambda.KindPrecondition, "Call the GetFunction/GetAlias API")
		in.RevisionID = ptr(moved.RevisionID)
		if a := p.updateAlias(t, in); a.Description != "" || a.Version != "2" {
			t.Errorf("described %+v", a)
		}

		p.createAlias(t, alias("next", "$LATEST", nil))
		if got, err := p.Resolve(account, "f", "next"); err != nil || got.Version != "$LATEST" {
			t.Errorf("runs %+v, %v", got, err)
		}
		if got, err := p.Get(account, "f", "next"); err != nil || got.Config.Version != "$LATEST" {
			t.Errorf("shown %+v, %v", got, err)
		}
		if after := p.get(t, "f"); after.Config.RevisionID != before.Config.RevisionID {
			t.Error("aliases changed the function's revision")
		}
		p.update(t, "f", control.Settings{Timeout: ptr(99)}) // keeps them
		p.Close()
		p.open(t)
		if got, err := p.Resolve(account, "f", "live"); err != nil || got.Version != "2" {
			t.Errorf("after a restart it runs %+v, %v", got, err)
		}
		for range 2 {
			if err := p.DeleteAlias(t.Context(), account, "f", "live"); err != nil {
				t.Fatal(err)
			}
		}
		_, err = p.Resolve(account, "f", "live")
		wantError(t, err, lambda.KindNotFound, "Function not found: "+arn+":live")
		_, err = p.Alias(account, "f", "live")
		wantError(t, err, lambda.KindNotFound, "Cannot find alias arn: "+arn+":live")

		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		p.versioned(t, "f", 1)
		_, err = p.Alias(account, "f", "next")
		wantError(t, err, lambda.KindNotFound, "Cannot find alias arn")
		if list, _, err := p.Aliases(account, "f", "", "", 9); err != nil || len(list) != 0 {
			t.Errorf("the new function has the aliases %+v, %v", list, err)
		}
	})
}

func TestAliasRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 3)
		p.createAlias(t, alias("live", "1", map[string]float64{"2": 0.5}))
		for _, test := range []struct {
			version string
			weights map[string]float64
			kind    lambda.Kind
			text    string
		}{
			{"9", nil, lambda.KindNotFound, "Function not found: " + arn + ":9"},
			{"01", nil, lambda.KindNotFound, "Function not found: " + arn + ":01"},
			{"$LATEST.PUBLISHED", map[string]float64{}, lambda.KindNotFound, "Function not found: " + arn + ":$LATEST.PUBLISHED"},
			{"1", map[string]float64{"9": 0.5}, lambda.KindNotFound, "Function not found: " + arn + ":9"},
			{"1", map[string]float64{"1": 0.5}, lambda.KindInvalid, "Invalid function version 1. Function version 1 is already included in routing configuration."},
			{"1", map[string]float64{"2": 0.5, "3": 0.1}, lambda.KindInvalid, "Number of items in AdditionalVersionWeights cannot be greater than 1"},
			{"$LATEST", map[string]float64{"2": 0.5}, lambda.KindInvalid, "$LATEST is not supported for an alias pointing to more than 1 version"},
			{"1", map[string]float64{"$LATEST": 0.5}, lambda.KindInvalid, "$LATEST is not supported for an alias pointing to more than 1 version"},
		} {
			_, err := p.CreateAlias(t.Context(), alias("other", test.version, test.weights))
			wantError(t, err, test.kind, test.text)
			_, err = p.UpdateAlias(t.Context(), alias("live", test.version, test.weights))
			wantError(t, err, test.kind, test.text)
		}
		_, err := p.UpdateAlias(t.Context(), alias("live", "2", nil)) // its weights name it already
		wantError(t, err, lambda.KindInvalid, "already included")
		_, err = p.UpdateAlias(t.Context(), alias("live", "$LATEST", nil))
		wantError(t, err, lambda.KindInvalid, "more than 1 version")
		_, err = p.CreateAlias(t.Context(), alias("live", "1", nil))
		wantError(t, err, lambda.KindConflict, "Alias already exists: "+arn+":live")
		_, err = p.UpdateAlias(t.Context(), alias("nobody", "1", nil))
		wantError(t, err, lambda.KindNotFound, "Cannot find alias arn: "+arn+":nobody")

		for _, version := range []string{"1", "2"} {
			wantError(t, p.DeleteVersion(t.Context(), account, "f", version), lambda.KindConflict, "referenced by the alias: live")
		}
		if err := p.DeleteVersion(t.Context(), account, "f", "3"); err != nil {
			t.Error(err)
		}
		if a := p.updateAlias(t, alias("live", "", map[string]float64{})); a.Additional != "" || a.Weight != 0 {
			t.Errorf("without weights %+v", a)
		}
		if err := p.DeleteVersion(t.Context(), account, "f", "2"); err != nil {
			t.Error(err)
		}

		p.update(t, "f", control.Settings{Role: ptr("arn:aws:iam::000000000000:role/other")})
		p.publish(t, "f")
		_, err = p.UpdateAlias(t.Context(), alias("live", "1", map[string]float64{"4": 0.5}))
		wantError(t, err, lambda.KindInvalid, "must have the same execution role: 1 and 4 differ")
		p.updateAlias(t, alias("live", "4", nil))
		p.updateAlias(t, alias("live", "1", nil))

		in := alias("a", "1", nil)
		in.Name = "g"
		_, err = p.CreateAlias(t.Context(), in)
		wantError(t, err, lambda.KindNotFound, "Function not found: "+strings.TrimSuffix(arn, "f")+"g")
		_, _, err = p.Aliases(account, "g", "", "", 1)
		wantError(t, err, lambda.KindNotFound, "Function not found")
		wantError(t, p.DeleteAlias(t.Context(), account, "g", "a"), lambda.KindNotFound, "Function not found")
		for i := range lambda.MaxAliases - 1 {
			p.createAlias(t, alias(fmt.Sprintf("a%d", i), "1", nil))
		}
		_, err = p.CreateAlias(t.Context(), alias("last", "1", nil))
		wantError(t, err, lambda.KindAliasLimit, "limited to 1000")
	})
}

func TestAliasPages(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 2)
		for _, name := range []string{"d", "b", "e", "a", "c"} {
			p.createAlias(t, alias(name, "1", nil))
		}
		p.updateAlias(t, alias("b", "2", nil))
		p.updateAlias(t, alias("d", "", map[string]float64{"2": 0}))
		for version, want := range map[string]string{"": "a b c d e", "1": "a c d e", "2": "b d", "3": "", "$LATEST": ""} {
			for limit := 1; limit < 7; limit++ {
				var list []string
				for after, more := "", true; more; {
					var page []lambda.Alias
					var err error
					if page, more, err = p.Aliases(account, "f", version, after, limit); err != nil || len(page) > limit {
						t.Fatal(page, err)
					}
					for _, a := range page {
						after = a.Name
						list = append(list, after)
					}
				}
				if got := strings.Join(list, " "); got != want {
					t.Errorf("of version %q in pages of %d: %s, want %s", version, limit, got, want)
				}
			}
		}
		if page, more, err := p.Aliases(account, "f", "", "bb", 1); err != nil || !more || page[0].Name != "c" { // bb went in between
			t.Errorf("behind a deleted alias: %+v, %v, %v", page, more, err)
		}
	})
}

// The invocations of an alias split by weight: within five standard deviations of a binomial distribution.
func TestWeightedAliasSplits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 20_000
		p := newPlane()
		random := rand.New(rand.NewPCG(7, 7))
		p.random = random.Float64
		p.open(t)
		p.versioned(t, "f", 2)
		p.createAlias(t, alias("live", "1", nil))
		for _, weight := range []float64{0, 0.05, 0.5, 1} {
			p.updateAlias(t, alias("live", "", map[string]float64{"2": weight}))
			seen := map[string]int{}
			for range n {
				c, err := p.Resolve(account, "f", "live")
				if err != nil {
					t.Fatal(err)
				}
				seen[c.Version]++
			}
			if got, want := float64(seen["2"]), n*weight; math.Abs(got-want) > 5*math.Sqrt(want*(1-weight)) || seen["1"]+seen["2"] != n {
				t.Errorf("weight %v: %v", weight, seen)
			}
			if f, err := p.Get(account, "f", "live"); err != nil || f.Config.Version != "1" {
				t.Errorf("shown as %+v, %v", f.Config, err)
			}
		}
	})
}

// An invocation of an alias costs no allocation before it is admitted.
func TestResolvingAnAliasAllocatesNothing(t *testing.T) {
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := store.Function{Config: lambda.Config{Account: account, Name: "f", Version: lambda.Latest}, Lineage: "L", LastVersion: 1}
	f = f.WithAlias(lambda.Alias{Name: "live", Version: "1"})
	v := store.Version{Config: f.Config, Lineage: "L"}
	v.Config.Version, v.Config.State = "1", lambda.StateActive
	if _, _, err := s.Functions().Publish(t.Context(), f, v); err != nil {
		t.Fatal(err)
	}
	functions := control.New(control.Options{Store: s.Functions()})
	allocations := testing.AllocsPerRun(100, func() {
		if c, err := functions.Resolve(account, "f", "live"); err != nil || c.Version != "1" {
			t.Error(c, err)
		}
	})
	if allocations != 0 {
		t.Errorf("%v allocations", allocations)
	}
}

// Without a source of its own the plane draws at random, too.
func TestWeightedAliasReachesBoth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 2)
		p.createAlias(t, alias("live", "1", map[string]float64{"2": 0.5}))
		seen := map[string]bool{}
		for range 200 { // all go to one version once in 10^60 runs
			c, err := p.Resolve(account, "f", "live")
			if err != nil {
				t.Fatal(err)
			}
			seen[c.Version] = true
		}
		if !seen["1"] || !seen["2"] {
			t.Errorf("seen %v", seen)
		}
	})
}

func TestAliasWithProvisionedConcurrency(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 3)
		p.createAlias(t, alias("live", "1", nil))
		p.createAlias(t, alias("also", "1", nil))
		provision := func(qualifier string, n int) error {
			_, err := p.Provision(t.Context(), account, "f", qualifier, n)
			return err
		}
		of := func(qualifier string) string {
			got, err := p.ProvisionedOf(account, "f", qualifier)
			if err != nil {
				return err.Error()
			}
			return fmt.Sprintf("%s=%s:%d/%d", got.Qualifier(), got.Version, got.Allocated, got.Requested)
		}
		const nothing = "No Provisioned Concurrency Config found for this function"
		p.provision(t, "f", "live", 3)
		p.told(t, "expect f:1 128, provision f:1 3")
		p.slots.Allocate()
		if of("live") != "live=1:3/3" || of("1") != nothing || of("also") != nothing {
			t.Errorf("live %s, 1 %s, also %s", of("live"), of("1"), of("also"))
		}
		p.wantShare(t, "f", "1", none, 997, 3)
		wantError(t, provision("1", 1), lambda.KindConflict, "Version 1 can't be used for Provisioned Concurrency configuration on an already Provisioned alias: live")
		wantError(t, provision("also", 1), lambda.KindConflict, "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version: 1")
		for _, other := range []string{"1", "also"} { // have none to end
			if err := p.Unprovision(t.Context(), account, "f", other); err != nil {
				t.Fatal(err)
			}
		}
		p.provision(t, "f", "live", 5)
		p.slots.Calls()

		p.updateAlias(t, alias("live", "2", nil))
		p.told(t, "expect f:1 128, expect f:2 128, provision f:2 5")
		if got := strings.Join(p.slots.Versions(), " "); got != "f:2 5" || of("live") != "live=2:0/5" {
			t.Errorf("moved: %s, %s", got, of("live"))
		}
		p.wantShare(t, "f", "1", none, 995, 0)
		p.wantShare(t, "f", "2", none, 995, 5)
		p.provision(t, "f", "1", 1)
		p.provision(t, "f", "3", 2)
		_, err := p.UpdateAlias(t.Context(), alias("live", "3", nil))
		wantError(t, err, lambda.KindConflict, "on an already Provisioned version: 3")
		_, err = p.UpdateAlias(t.Context(), alias("live", "$LATEST", nil))
		wantError(t, err, lambda.KindInvalid, "cannot be applied to unpublished function versions")
		p.createAlias(t, alias("next", "$LATEST", nil))
		wantError(t, provision("next", 1), lambda.KindInvalid, "cannot be applied to unpublished function versions")
		p.updateAlias(t, alias("live", "", map[string]float64{"3": 0.5}))
		wantError(t, provision("live", 1), lambda.KindInvalid, "Alias with weights can not be used with Provisioned Concurrency")
		page, more, err := p.ListProvisioned(account, "f", 0, 9)
		if err != nil || more || len(page) != 3 || page[0].Qualifier() != "1" || page[1].Qualifier() != "live" || page[2].Qualifier() != "3" {
			t.Errorf("listed %+v, %v", page, err)
		}

		p.slots.Calls()
		p.Close()
		p.open(t)
		if got := strings.Join(p.slots.Versions(), " "); got != "f:1 1 f:2 5 f:3 2" {
			t.Errorf("after a restart the slots keep %s", got)
		}
		if err := p.DeleteAlias(t.Context(), account, "f", "live"); err != nil {
			t.Fatal(err)
		}
		if got := strings.Join(p.slots.Versions(), " "); got != "f:1 1 f:3 2" {
			t.Errorf("after the alias was deleted the slots keep %s", got)
		}
		p.wantShare(t, "f", "2", none, 997, 0)
		if f := p.get(t, "f"); f.Reserved != nil {
			t.Errorf("reserved %d", *f.Reserved)
		}
	})
}

// Provisioned concurrency moves with its alias or not at all.
func TestAliasMoveIsAtomic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		var fail error
		p.store.Fail = func(op string) error {
			if op == "update" {
				return fail
			}
			return nil
		}
		p.open(t)
		p.versioned(t, "f", 2)
		p.createAlias(t, alias("live", "1", nil))
		p.provision(t, "f", "live", 3)
		fail = errors.New("no quorum")
		if _, err := p.UpdateAlias(t.Context(), alias("live", "2", nil)); !errors.Is(err, fail) {
			t.Error(err)
		}
		if a, err := p.Alias(account, "f", "live"); err != nil || a.Version != "1" {
			t.Errorf("%+v, %v", a, err)
		}
		p.wantShare(t, "f", "1", none, 997, 3)
		if got := strings.Join(p.slots.Versions(), " "); got != "f:1 3" {
			t.Errorf("the slots keep %s", got)
		}
	})
}

// An alias moves, and the version it left is deleted, between two looks of an invocation at the store.
func TestAliasMovesUnderAnInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		drawn := func() {}
		p.random = func() float64 { drawn(); return 0 }
		p.open(t)
		p.versioned(t, "f", 2)
		p.createAlias(t, alias("live", "1", nil))
		drawn = func() {
			drawn = func() {}
			p.updateAlias(t, alias("live", "2", nil))
			if err := p.DeleteVersion(t.Context(), account, "f", "1"); err != nil {
				t.Fatal(err)
			}
		}
		if got, err := p.Resolve(account, "f", "live"); err != nil || got.Version != "2" {
			t.Errorf("runs %+v, %v", got, err)
		}
		drawn = func() {
			if err := p.Delete(t.Context(), account, "f"); err != nil {
				t.Fatal(err)
			}
			drawn = func() {}
		}
		_, err := p.Resolve(account, "f", "live")
		wantError(t, err, lambda.KindNotFound, "Function not found: "+arn+":live")
	})
}

// While aliases move and the versions they left are deleted, an alias always leads to a version that exists.
func TestAliasNeverLeadsToNothing(t *testing.T) {
	p := newPlane().open(t)
	p.create(t, input("f"))
	waitActive(t, p, "f")
	p.publish(t, "f")
	p.createAlias(t, alias("live", "1", nil))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 3 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				if c, err := p.Resolve(account, "f", "live"); err != nil || c.Version == lambda.Latest {
					t.Errorf("it leads to %+v, %v", c, err)
					return
				}
				if _, err := p.Get(account, "f", "live"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	ctx := context.Background()
	for i := 2; i < 60; i++ {
		if _, err := p.UpdateConfig(ctx, control.UpdateConfigInput{Account: account, Name: "f", Settings: control.Settings{Timeout: ptr(i)}}); err != nil {
			t.Fatal(err)
		}
		for p.get(t, "f").Config.UpdateStatus == lambda.UpdateInProgress {
		}
		version := p.publish(t, "f").Version
		p.updateAlias(t, alias("live", "", map[string]float64{version: 0.5}))
		before, _ := p.Alias(account, "f", "live")
		old := before.Version
		wantError(t, p.DeleteVersion(ctx, account, "f", old), lambda.KindConflict, "referenced")
		p.updateAlias(t, alias("live", version, map[string]float64{}))
		if err := p.DeleteVersion(ctx, account, "f", old); err != nil {
			t.Fatal(err)
		}
	}
	close(done)
	wg.Wait()
}

// An alias is pointed at a version while that is being deleted.
func TestAliasWaitsForADeletion(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		created := make(chan error, 1)
		p.store.Fail = func(op string) error {
			if op == "delete version" {
				go func() {
					_, err := p.CreateAlias(context.Background(), alias("live", "1", nil))
					created <- err
				}()
				synctest.Wait()
			}
			return nil
		}
		p.open(t)
		p.versioned(t, "f", 1)
		if err := p.DeleteVersion(t.Context(), account, "f", "1"); err != nil {
			t.Fatal(err)
		}
		wantError(t, <-created, lambda.KindNotFound, "Function not found: "+arn+":1")
	})
}

// Whatever is done in whatever order, aliases lead to versions that exist, and provisioned concurrency is where its alias
// is.
func TestAliasInvariants(t *testing.T) {
	for seed := range uint64(20) {
		synctest.Test(t, func(t *testing.T) {
			p := newPlane().open(t)
			p.versioned(t, "f", 3)
			random := rand.New(rand.NewPCG(seed, 0))
			some := func(of ...string) string { return of[random.IntN(len(of))] }
			version := func() string { return some("1", "2", "3", "4", "5", "$LATEST") }
			for range 400 {
				name := some("a", "b", "c")
				var weights map[string]float64
				if random.IntN(3) > 0 {
					weights = map[string]float64{}
				}
				if weights != nil && random.IntN(2) > 0 {
					weights[version()] = random.Float64()
				}
				var err error
				switch random.IntN(8) {
				case 0:
					_, err = p.CreateAlias(t.Context(), alias(name, version(), weights))
				case 1, 2:
					_, err = p.UpdateAlias(t.Context(), alias(name, some("", version()), weights))
				case 3:
					err = p.DeleteAlias(t.Context(), account, "f", name)
				case 4:
					err = p.DeleteVersion(t.Context(), account, "f", version())
				case 5:
					_, err = p.Provision(t.Context(), account, "f", some(name, name, version()), 1+random.IntN(9))
				case 6:
					err = p.Unprovision(t.Context(), account, "f", some(name, version()))
				case 7:
					p.update(t, "f", control.Settings{Timeout: ptr(1 + random.IntN(900))})
					p.publish(t, "f")
				}
				if err != nil && lambda.KindOf(err) == lambda.KindInternal {
					t.Fatal(err)
				}
				p.checkAliases(t)
			}
		})
	}
}

// checkAliases fails unless f's aliases and provisioned concurrency fit together.
func (p *plane) checkAliases(t *testing.T) {
	t.Helper()
	f := p.get(t, "f")
	sum := 0
	var want []string
	for _, v := range p.store.Versions(account, "f") {
		if v.Provisioned > 0 {
			want = append(want, fmt.Sprintf("f:%s %d", v.Config.Version, v.Provisioned))
			sum += v.Provisioned
		} else if v.ProvisionedAlias != "" || !v.ProvisionedAt.IsZero() {
			t.Fatalf("version without provisioned concurrency: %+v", v)
		}
		if a, ok := f.Alias(v.ProvisionedAlias); v.ProvisionedAlias != "" && (!ok || a.Version != v.Config.Version) {
			t.Fatalf("version %s is provisioned for the alias %q, which is %+v", v.Config.Version, v.ProvisionedAlias, a)
		}
	}
	for _, a := range f.Aliases {
		for _, version := range []string{a.Version, a.Additional} {
			if _, err := p.Resolve(account, "f", version); err != nil {
				t.Fatalf("alias %+v: %v", a, err)
			}
		}
		if _, err := p.Resolve(account, "f", a.Name); err != nil {
			t.Fatalf("alias %+v: %v", a, err)
		}
	}
	slices.Sort(want)
	if got := strings.Join(p.slots.Versions(), ", "); got != strings.Join(want, ", ") {
		t.Fatalf("the slots keep %s, the store says %s", got, want)
	}
	if left := p.Unreserved(account); left != lambda.AccountConcurrency-sum {
		t.Fatalf("%d are unreserved, %d provisioned", left, sum)
	}
}
