package sandboxtest

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

func testAttach(t *testing.T, h Harness) {
	code := CodeImage(t, map[string]string{"/app.txt": "code", "/deep/er/b.txt": "more"})
	layer := build2(t)
	s, g := h.start(t, h.engine(t), sandbox.Limits{})
	if got := g.Must(wire.Request{Op: wire.List, Path: "/var/task"}).Names; len(got) != 0 {
		t.Fatalf("before attach: %q", got)
	}
	if err := s.Attach(t.Context(), code, "/var/task"); err != nil {
		t.Fatal(err)
	}
	if err := s.Attach(t.Context(), layer, "/opt"); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/var/task/app.txt": "code", "/var/task/deep/er/b.txt": "more", "/opt/layer.txt": "layer"} {
		if got := g.Must(wire.Request{Op: wire.Read, Path: path}).Text; got != want {
			t.Errorf("%s contains %q, want %q", path, got, want)
		}
	}
	for _, path := range []string{"/var/task/new", "/var/task/app.txt", "/etc/new", "/new"} {
		if g.Do(wire.Request{Op: wire.Write, Path: path, Text: "x"}).Err == "" {
			t.Errorf("could write %s", path)
		}
	}
	tenant := g.Must(wire.Request{Op: wire.Run, UID: 1000, Args: []string{wire.TenantRead, "/var/task/app.txt"}})
	if tenant.Text != "code" {
		t.Errorf("a tenant reads %q, exit status %d", tenant.Text, tenant.N)
	}
	mounts := g.Must(wire.Request{Op: wire.Read, Path: "/proc/mounts"}).Text
	if strings.Contains(mounts, filepath.Dir(code)) {
		t.Errorf("/proc/mounts shows a host path:\n%s", mounts)
	}
}

func build2(t *testing.T) string {
	t.Helper()
	return CodeImage(t, map[string]string{"/layer.txt": "layer"})
}

// testAttachNothing attaches what is no image. Whatever the engine makes of it, the host side must survive.
func testAttachNothing(t *testing.T, h Harness) {
	e := h.engine(t)
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte(strings.Repeat("no image ", 10_000)), 0o600); err != nil {
		t.Fatal(err)
	}
	s, _ := h.start(t, e, sandbox.Limits{})
	if err := s.Attach(withTimeout(t), junk, "/var/task"); err == nil {
		t.Error("attached a file that is no image")
	}
	_, g := h.start(t, e, sandbox.Limits{})
	g.Echo()
}

func testNothingOfTheHost(t *testing.T, h Harness) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("host secret"), 0o644); err != nil { //nolint:gosec // must not fail for its mode
		t.Fatal(err)
	}
	_, g := h.start(t, h.engine(t), sandbox.Limits{})
	for _, path := range []string{secret, h.Root, "/proc/1/root" + secret, "/var/task/../../.." + secret, "/etc/passwd"} {
		if resp := g.Do(wire.Request{Op: wire.Read, Path: path}); resp.Err == "" {
			t.Errorf("read %s: %.40q", path, resp.Text)
		}
	}
	if root := g.Must(wire.Request{Op: wire.List, Path: "/"}).Names; len(root) > 12 {
		t.Errorf("the root directory has too much in it: %q", root)
	}
	pids := 0
	for _, name := range g.Must(wire.Request{Op: wire.List, Path: "/proc"}).Names {
		if name[0] >= '0' && name[0] <= '9' {
			pids++
		}
	}
	if pids != 1 {
		t.Errorf("the guest sees %d processes, want itself only", pids)
	}
}

// testNoNetwork asks for no egress: not even what listens on this host's loopback can be reached.
func testNoNetwork(t *testing.T, h Harness) {
	l, err := net.Listen("tcp", "127.0.0.1:0") //nolint:noctx // a test's listener
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	_, g := h.start(t, h.engine(t), sandbox.Limits{})
	for _, addr := range []string{l.Addr().String(), "192.0.2.1:80"} {
		if g.Do(wire.Request{Op: wire.Connect, Text: addr}).Err == "" {
			t.Errorf("connected to %s", addr)
		}
	}
}
