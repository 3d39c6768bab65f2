package sandboxtest

import (
	"slices"
	"testing"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

// mountSpec is a spec with places for images.
func (h Harness) mountSpec(limits sandbox.Limits) sandbox.Spec {
	spec := h.spec(limits)
	spec.Mounts = []string{"/var/task", "/opt"}
	return spec
}

func wantFile(t testing.TB, g *Guest, path, content string) {
	t.Helper()
	if got := g.Do(wire.Request{Op: wire.Read, Path: path}); got.Err != "" || got.Text != content {
		t.Errorf("%s contains %q (%s), want %q", path, got.Text, got.Err, content)
	}
}

func wantNames(t testing.TB, g *Guest, dir string, names ...string) {
	t.Helper()
	got := g.Do(wire.Request{Op: wire.List, Path: dir})
	if got.Err != "" || !slices.Equal(got.Names, names) {
		t.Errorf("%s has %q (%s), want %q", dir, got.Names, got.Err, names)
	}
}

// testAttachBeforeStart: what was attached last is there from the guest's first moment on, and hot images go on top.
func testAttachBeforeStart(t *testing.T, h Harness) {
	long := make([]byte, 3<<20)
	for i := range long {
		long[i] = 'a' + byte(i%23)
	}
	first := CodeImage(t, map[string]string{"/first.txt": string(long)})
	second := CodeImage(t, map[string]string{"/second.txt": "second"})
	top := CodeImage(t, map[string]string{"/top.txt": "top"})
	s := h.createSpec(t, h.engine(t), h.mountSpec(sandbox.Limits{}))
	for _, img := range []string{first, second} {
		if err := s.Attach(withTimeout(t), img, "/var/task"); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Start(withTimeout(t)); err != nil {
		t.Fatal(err)
	}
	g := Meet(t, s)
	wantNames(t, g, "/var/task", "second.txt")
	wantFile(t, g, "/var/task/second.txt", "second")
	wantNames(t, g, "/opt")
	for _, path := range []string{"/var/task/new", "/opt/new"} {
		if g.Do(wire.Request{Op: wire.Write, Path: path, Text: "x"}).Err == "" {
			t.Errorf("could write %s", path)
		}
	}
	for _, target := range []string{"/var/task", "/opt"} {
		if err := s.Attach(withTimeout(t), top, target); err != nil {
			t.Fatal(err)
		}
		wantNames(t, g, target, "top.txt")
		wantFile(t, g, target+"/top.txt", "top")
	}
}

// testAttachBeforeStartBadly: only at the spec's mounts, and only what is there.
func testAttachBeforeStartBadly(t *testing.T, h Harness) {
	e := h.engine(t)
	img := CodeImage(t, map[string]string{"/a": "b"})
	for _, c := range []struct{ image, target string }{
		{img, "/etc"},
		{img, "/var/task/"},
		{img + ".missing", "/var/task"},
	} {
		s := h.createSpec(t, e, h.mountSpec(sandbox.Limits{}))
		if err := s.Attach(withTimeout(t), c.image, c.target); err == nil {
			t.Errorf("attached %s at %s before start", c.image, c.target)
		}
	}
}
