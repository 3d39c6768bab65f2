package code_test

import (
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/code"
)

// age makes a package older than its time of grace.
func age(t *testing.T, dir, sha string) {
	t.Helper()
	old := time.Now().Add(-2 * code.GraceTime)
	if err := os.Chtimes(filepath.Join(dir, "blobs", sha), old, old); err != nil {
		t.Fatal(err)
	}
}

func needing(shas ...string) code.References {
	var r code.References
	for _, sha := range shas {
		r.Add(sha, nil)
	}
	return r
}

func gc(t *testing.T, s *code.Store, need code.References, atOnce bool) code.Freed {
	t.Helper()
	freed, err := s.GC(t.Context(), need, atOnce)
	if err != nil {
		t.Fatal(err)
	}
	return freed
}

func TestGC(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	shas := map[string]string{}
	for _, name := range []string{"kept", "old", "fresh", "old and put again"} {
		zip := pack(t, item{name: "f", content: name})
		c := put(t, s, zip)
		if _, err := s.Image(t.Context(), c.SHA256); err != nil {
			t.Fatal(err)
		}
		shas[name] = c.SHA256
		if name != "fresh" {
			age(t, dir, c.SHA256)
		}
		if name == "old and put again" {
			put(t, s, zip)
		}
	}
	before, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	freed := gc(t, s, needing(shas["kept"]), true)
	after, err := s.Size()
	if err != nil {
		t.Fatal(err)
	}
	if freed.Packages != 1 || freed.Images != 1 || freed.Bytes != before.ZipBytes+before.ImageBytes-after.ZipBytes-after.ImageBytes {
		t.Errorf("freed %+v, from %+v to %+v", freed, before, after)
	}
	for name, sha := range shas {
		if got, want := s.Has(sha), name != "old"; got != want {
			t.Errorf("%s: there %v, want %v", name, got, want)
		}
	}
	if err := s.Delete(shas["kept"]); err != nil || s.Has(shas["kept"]) {
		t.Errorf("Delete: %v", err)
	}
}

// Without atOnce only what two collections in a row found unneeded goes.
func TestGCWaitsForTheNext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	old, again := put(t, s, pack(t, item{name: "f", content: "old"})).SHA256, put(t, s, pack(t, item{name: "f", content: "again"})).SHA256
	age(t, dir, old)
	age(t, dir, again)
	if freed := gc(t, s, needing(), false); freed != (code.Freed{}) {
		t.Errorf("the first freed %+v", freed)
	}
	if freed := gc(t, s, needing(again), false); freed.Packages != 1 || s.Has(old) || !s.Has(again) {
		t.Errorf("the second freed %+v", freed)
	}
	if freed := gc(t, s, needing(), false); freed.Packages != 0 || !s.Has(again) {
		t.Errorf("what was needed again: %+v", freed)
	}
	if freed := gc(t, s, needing(), false); freed.Packages != 1 || s.Has(again) {
		t.Errorf("the last freed %+v", freed)
	}
}

// Images of layers stay as long as a function has just these layers; their packages as long as anybody needs one of them.
func TestGCOfLayers(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	a, b := put(t, s, pack(t, item{name: "a", content: "a"})).SHA256, put(t, s, pack(t, item{name: "b", content: "b"})).SHA256
	var paths []string
	for _, list := range [][]string{{a, b}, {b, a}, {a}} {
		path, err := s.Layers(t.Context(), list)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, path)
	}
	age(t, dir, a)
	age(t, dir, b)
	var need code.References
	need.Add(a, []string{b, a})
	if freed := gc(t, s, need, true); freed.Packages != 0 || freed.Images != 2 {
		t.Errorf("freed %+v", freed)
	}
	for i, path := range paths {
		if _, err := os.Stat(path); (err == nil) != (i == 1) {
			t.Errorf("image %d: %v", i, err)
		}
	}
	if freed := gc(t, s, needing(a), true); freed.Packages != 1 || freed.Images != 1 || !s.Has(a) || s.Has(b) {
		t.Errorf("without layers: freed %+v", freed)
	}
}

// Collections beside uploads take nothing that an upload just acknowledged, also when it was there before and old.
func TestGCBesideUploads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, dir)
	const writers, rounds = 4, 30
	var zips [writers][]byte
	for i := range zips {
		zips[i] = pack(t, item{name: "f", content: fmt.Sprint(i)})
	}
	var done atomic.Bool
	var collector, wg sync.WaitGroup
	collector.Go(func() {
		for !done.Load() {
			gc(t, s, needing(), true)
		}
	})
	for i := range writers {
		wg.Go(func() {
			for range rounds {
				c, err := s.Put(t.Context(), zips[i])
				if err != nil {
					t.Error(err)
					return
				}
				if _, err := s.Image(t.Context(), c.SHA256); err != nil {
					t.Errorf("an image after an upload: %v", err)
				}
				if !s.Has(c.SHA256) {
					t.Error("an uploaded package is gone")
				}
				old := time.Now().Add(-2 * code.GraceTime)
				if err := os.Chtimes(filepath.Join(dir, "blobs", c.SHA256), old, old); err != nil {
					t.Errorf("it was collected within its time of grace: %v", err)
				}
			}
		})
	}
	wg.Wait()
	done.Store(true)
	collector.Wait()
}
