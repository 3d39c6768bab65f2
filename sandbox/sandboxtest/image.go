package sandboxtest

import (
	"context"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/internal/helperbin"
)

// GuestPath is where the guest program is inside the image RootImage makes, AgentPath where the agent is inside
// AgentImage's.
const (
	GuestPath = "/guest"
	AgentPath = "/agent"
)

// RootImage makes a root image with the guest program and the directories engines need.
func RootImage(t testing.TB) string {
	t.Helper()
	return rootImage(t, GuestPath, helperbin.Build(t, "thaw.dev/thaw/sandbox/sandboxtest/guest"))
}

// AgentImage makes one with the agent instead, for benchmarks.
func AgentImage(t testing.TB) string {
	t.Helper()
	return rootImage(t, AgentPath, helperbin.Agent(t))
}

func rootImage(t testing.TB, path, program string) string {
	t.Helper()
	tree := image.NewTree()
	for _, dir := range []string{"/proc", "/dev", "/sys", "/tmp", "/etc", "/var/task", "/opt"} {
		if err := tree.AddDir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	if err := tree.AddBytes("/etc/os-release", 0o644, []byte("ID=guest\n")); err != nil {
		t.Fatal(err)
	}
	if err := tree.AddHostFile(path, 0o755, program); err != nil {
		t.Fatal(err)
	}
	return build(t, tree)
}

// CodeImage makes an image of files, path to content.
func CodeImage(t testing.TB, files map[string]string) string {
	t.Helper()
	tree := image.NewTree()
	for path, content := range files {
		if err := tree.AddBytes(path, 0o644, []byte(content)); err != nil {
			t.Fatal(err)
		}
	}
	return build(t, tree)
}

func build(t testing.TB, tree *image.Tree) string {
	t.Helper()
	store, err := image.OpenStore(filepath.Join(t.TempDir(), "images"))
	if err != nil {
		t.Fatal(err)
	}
	path, err := store.Build(context.Background(), image.Key(t.Name()), tree)
	if err != nil {
		t.Fatal(err)
	}
	return path
}
