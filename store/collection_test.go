package store

import (
	"errors"
	"reflect"
	"testing"
)

type animal struct {
	Name string `json:"name"`
	Legs int    `json:"legs"`
}

func TestCollection(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	open := func() (*Store, *Collection[animal]) {
		s, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		return s, NewCollection[animal](s.Records(), "animal", 1)
	}
	s, c := open()
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	for _, id := range []string{"b.*", "a"} {
		must(c.Create(ctx, "1", id, animal{"cat " + id, 4}))
	}
	must(c.Create(ctx, "2", "a", animal{"bird", 2}))
	if err := c.Create(ctx, "1", "a", animal{}); !errors.Is(err, ErrStale) {
		t.Errorf("created twice: %v", err)
	}
	a, _ := c.Get("1", "a")
	stale := a
	a.Value.Legs = 3
	must(c.Update(ctx, a))
	if err := c.Update(ctx, stale); !errors.Is(err, ErrStale) {
		t.Errorf("update of an old state: %v", err)
	}
	if err := c.Delete(ctx, stale); !errors.Is(err, ErrStale) {
		t.Errorf("delete of an old state: %v", err)
	}
	b, _ := c.Get("2", "a")
	must(c.Delete(ctx, b))
	if _, ok := c.Get("2", "a"); ok {
		t.Error("deleted, and still there")
	}
	must(c.Create(ctx, "2", "a", animal{"another bird", 2})) // after a deletion

	// Two documents, both or none.
	a, _ = c.Get("1", "a")
	wrong, err := c.Put(Item[animal]{Account: "1", ID: "a", Value: animal{"lost", 0}, Seq: a.Seq + 100})
	must(err)
	right, err := c.Put(Item[animal]{Account: "1", ID: "c", Value: animal{"new", 1}})
	must(err)
	if err := s.Records().Apply(ctx, right, wrong); !errors.Is(err, ErrStale) {
		t.Errorf("half a batch: %v", err)
	}
	if _, ok := c.Get("1", "c"); ok {
		t.Error("a refused batch left a document")
	}
	must(s.Records().Apply(ctx, right, c.Remove(a)))
	must(c.Create(ctx, "1", "a", animal{"once more", 5})) // after a deletion in a batch

	check := func(c *Collection[animal]) {
		t.Helper()
		got := map[string]animal{}
		for _, item := range c.All() {
			got[item.Account+"/"+item.ID] = item.Value
		}
		want := map[string]animal{"1/a": {"once more", 5}, "1/b.*": {"cat b.*", 4}, "1/c": {"new", 1}, "2/a": {"another bird", 2}}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("there is %v, want %v", got, want)
		}
		if list := c.List("1"); len(list) != 3 || list[0].ID != "a" || list[1].ID != "b.*" {
			t.Errorf("list of account 1: %v", list)
		}
	}
	check(c)
	must(s.Close())
	s, c = open()
	defer func() { must(s.Close()) }()
	check(c)

	if later := NewCollection[animal](s.Records(), "animal", 0); len(later.All()) != 0 {
		t.Error("documents of a later schema were read")
	}
}
