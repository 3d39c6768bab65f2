package store_test

import (
	"crypto/rand"
	"errors"
	"reflect"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// version is the next version of f with every member set.
func version(f *store.Function) store.Version {
	v := store.Version{Config: f.Config, Lineage: f.Lineage, Replaced: new("was"), Provisioned: 2, ProvisionedAt: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC)}
	v.Config.Version = strconv.Itoa(f.LastVersion)
	return v
}

// publish makes a function's next version.
func publish(t testing.TB, functions *store.Functions, f store.Function) (store.Function, store.Version) {
	t.Helper()
	if f.Lineage == "" {
		f.Lineage = rand.Text()
	}
	f.LastVersion++
	f, v, err := functions.Publish(t.Context(), f, version(&f))
	if err != nil {
		t.Fatal(err)
	}
	return f, v
}

// numbers are the versions of a function, "1 2".
func numbers(functions *store.Functions, account, name string) string {
	var list []string
	for _, v := range functions.Versions(account, name) {
		list = append(list, v.Config.Version)
	}
	return strings.Join(list, " ")
}

func TestVersionLifeCycle(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	functions := s.Functions()
	first := function(account, "f")
	first.Reserved = new(7)
	f, one := publish(t, functions, first) // creates the function, too
	if f.Seq == 0 || one.Seq == 0 || one.Number() != 1 {
		t.Errorf("published %+v, %+v", f, one)
	}
	if got, ok := functions.Get(account, "f"); !ok || !reflect.DeepEqual(got, f) {
		t.Errorf("Get = %+v, want %+v", got, f)
	}
	if got, ok := functions.Version(account, "f", 1); !ok || !reflect.DeepEqual(*got, one) {
		t.Errorf("Version = %+v, want %+v", got, one)
	}
	if _, _, err := functions.Publish(t.Context(), first, one); err == nil {
		t.Error("a version of another lineage was published")
	}
	again := f
	again.Seq = 0
	if _, _, err := functions.Publish(t.Context(), again, one); !errors.Is(err, store.ErrExists) {
		t.Errorf("second creation: %v, want ErrExists", err)
	}
	old := f
	f, _ = publish(t, functions, f)
	f, three := publish(t, functions, f)
	stale := old
	stale.LastVersion = 9
	if _, _, err := functions.Publish(t.Context(), stale, version(&stale)); !errors.Is(err, store.ErrStale) {
		t.Errorf("publication from an old state: %v, want ErrStale", err)
	}
	reused := f
	reused.Config.Description = "must not be stored"
	if _, _, err := functions.Publish(t.Context(), reused, three); !errors.Is(err, store.ErrStale) {
		t.Errorf("a number was used twice: %v, want ErrStale", err)
	}
	if got, _ := functions.Get(account, "f"); got.Seq != f.Seq {
		t.Error("a refused publication wrote the function")
	}
	if got := numbers(functions, account, "f"); got != "1 2 3" {
		t.Errorf("versions %s", got)
	}

	one.Provisioned = 5
	if one, err = functions.UpdateVersion(t.Context(), one); err != nil {
		t.Fatal(err)
	}
	if err := functions.DeleteVersion(t.Context(), three); err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"update of a deleted version":   second(functions.UpdateVersion(t.Context(), three)),
		"deletion of a deleted version": functions.DeleteVersion(t.Context(), three),
		"update of none":                second(functions.UpdateVersion(t.Context(), version(&f))),
		"deletion of none":              functions.DeleteVersion(t.Context(), version(&f)),
	} {
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("%s: %v, want ErrStale", name, err)
		}
	}
	other, _ := publish(t, functions, function(account, "g"))
	want := store.Totals{Functions: 2, CodeBytes: 5 * f.Config.Code.Size, Reserved: 7, Provisioned: 2}
	if got := functions.Totals(account); got != want {
		t.Errorf("totals %+v, want %+v", got, want)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	functions = open(t, dir).Functions()
	if got, _ := functions.Version(account, "f", 1); got == nil || !reflect.DeepEqual(*got, one) {
		t.Errorf("after reopening version 1 is %+v, want %+v", got, one)
	}
	if got := functions.Totals(account); got != want {
		t.Errorf("after reopening the totals are %+v, want %+v", got, want)
	}
	if all := functions.AllVersions(); len(all) != 3 {
		t.Errorf("%d versions of all functions, want 3", len(all))
	}
	if err := functions.Delete(t.Context(), f); err != nil {
		t.Fatal(err)
	}
	if got := numbers(functions, account, "f"); got != "" {
		t.Errorf("a deleted function has the versions %s", got)
	}
	if _, err := functions.UpdateVersion(t.Context(), one); !errors.Is(err, store.ErrStale) {
		t.Errorf("update of a deleted function's version: %v, want ErrStale", err)
	}
	f, _ = publish(t, functions, function(account, "f")) // a deleted function's name
	if got := numbers(functions, account, "f"); got != "1" {
		t.Errorf("the new function has the versions %s", got)
	}
	for _, f := range []store.Function{f, other} {
		if err := functions.Delete(t.Context(), f); err != nil {
			t.Fatal(err)
		}
	}
	if got := functions.Totals(account); got != (store.Totals{}) {
		t.Errorf("of nothing the totals are %+v", got)
	}
}

func second[T any](_ T, err error) error { return err }

// A function and versions of it are written together, all or none.
func TestUpdateWith(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	functions := s.Functions()
	f, one := publish(t, functions, function(account, "f"))
	f, two := publish(t, functions, f)
	old := f
	next := f.WithAlias(lambda.Alias{Name: "live", Version: "2", RevisionID: "r"})
	from, to := one, two
	from.Provisioned, from.ProvisionedAlias = 0, ""
	to.Provisioned, to.ProvisionedAlias = 9, "live"
	if f, err = functions.UpdateWith(t.Context(), next, []store.Version{from, to}); err != nil {
		t.Fatal(err)
	}
	check := func() {
		t.Helper()
		got, _ := functions.Get(account, "f")
		v1, _ := functions.Version(account, "f", 1)
		v2, _ := functions.Version(account, "f", 2)
		if a, ok := got.Alias("live"); !ok || a.Version != "2" || got.Seq != f.Seq || v1.Provisioned != 0 || v2.Provisioned != 9 || v2.ProvisionedAlias != "live" {
			t.Errorf("function %+v, versions %+v and %+v", got, v1, v2)
		}
		if v1.Seq != f.Seq-2 || v2.Seq != f.Seq-1 || functions.Totals(account).Provisioned != 9 {
			t.Errorf("states %d, %d, %d, totals %+v", f.Seq, v1.Seq, v2.Seq, functions.Totals(account))
		}
	}
	check()
	now1, _ := functions.Version(account, "f", 1)
	foreign := *now1
	foreign.Lineage = "another"
	for name, err := range map[string]error{
		"an old function":     second(functions.UpdateWith(t.Context(), old, []store.Version{*now1})),
		"an old version":      second(functions.UpdateWith(t.Context(), f, []store.Version{*now1, two})),
		"no function":         second(functions.UpdateWith(t.Context(), function(account, "f"), []store.Version{*now1})),
		"an unstored version": second(functions.UpdateWith(t.Context(), f, []store.Version{version(&f)})),
		"an old one alone":    second(functions.UpdateWith(t.Context(), old, nil)),
	} {
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("%s: %v, want ErrStale", name, err)
		}
	}
	if _, err := functions.UpdateWith(t.Context(), f, []store.Version{foreign}); err == nil || errors.Is(err, store.ErrStale) {
		t.Errorf("a version of another lineage: %v", err)
	}
	check()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	functions = open(t, dir).Functions()
	check()
}

func TestAliases(t *testing.T) {
	t.Parallel()
	var f store.Function
	names := func(f store.Function) string {
		var list []string
		for _, a := range f.Aliases {
			list = append(list, a.Name+":"+a.Version)
		}
		return strings.Join(list, " ")
	}
	for _, name := range []string{"b", "c", "a"} {
		f = f.WithAlias(lambda.Alias{Name: name, Version: "1"})
	}
	before := f
	f = f.WithAlias(lambda.Alias{Name: "b", Version: "2"})
	if got := names(f); got != "a:1 b:2 c:1" {
		t.Errorf("aliases %s", got)
	}
	f = f.WithoutAlias("a")
	f = f.WithoutAlias("nobody")
	if got := names(f); got != "b:2 c:1" || names(before) != "a:1 b:1 c:1" {
		t.Errorf("aliases %s, before %s", got, names(before))
	}
	if a, ok := f.Alias("b"); !ok || a.Version != "2" {
		t.Errorf("b is %+v", a)
	}
	if _, ok := f.Alias("a"); ok {
		t.Error("a deleted alias is there")
	}
	f = f.WithoutAlias("b")
	if f = f.WithoutAlias("c"); f.Aliases != nil {
		t.Errorf("of no aliases there are %#v", f.Aliases)
	}
}

// Of publishers that saw the same state exactly one wins.
func TestConcurrentPublishers(t *testing.T) {
	t.Parallel()
	functions := open(t, t.TempDir()).Functions()
	publish(t, functions, function(account, "f"))
	const publishers, rounds = 6, 10
	var wg sync.WaitGroup
	for range publishers {
		wg.Go(func() {
			for done := 0; done < rounds; {
				f, _ := functions.Get(account, "f")
				f.LastVersion++
				_, v, err := functions.Publish(t.Context(), f, version(&f))
				switch {
				case errors.Is(err, store.ErrStale):
					continue
				case err != nil:
					t.Error(err)
					return
				}
				if got, ok := functions.Version(account, "f", v.Number()); !ok || got.Seq != v.Seq {
					t.Errorf("version %d is not there after it was published", v.Number())
				}
				done++
			}
		})
	}
	wg.Wait()
	if f, _ := functions.Get(account, "f"); f.LastVersion != 1+publishers*rounds || len(functions.Versions(account, "f")) != f.LastVersion {
		t.Errorf("last version %d, %d versions, want %d", f.LastVersion, len(functions.Versions(account, "f")), 1+publishers*rounds)
	}
}
