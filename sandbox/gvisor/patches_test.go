package gvisor_test

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestPatchesApply applies patches/gvisor, one after the other, to the files of the gVisor module that they change.
func TestPatchesApply(t *testing.T) {
	t.Parallel()
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "gvisor.dev/gvisor").Output()
	if err != nil {
		t.Fatal(err)
	}
	module, tree := strings.TrimSpace(string(out)), t.TempDir()
	patches, err := filepath.Glob("../../patches/gvisor/*.patch")
	if err != nil || len(patches) == 0 {
		t.Fatalf("%d patches, %v", len(patches), err)
	}
	for _, patch := range patches {
		patch, err := filepath.Abs(patch)
		if err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(patch)
		if err != nil {
			t.Fatal(err)
		}
		if why, _, _ := bytes.Cut(text, []byte("\n--- ")); len(bytes.TrimSpace(why)) < 50 {
			t.Errorf("%s does not say what it is for", patch)
		}
		for line := range strings.Lines(string(text)) {
			if path, ok := strings.CutPrefix(line, "--- a/"); ok {
				copyOnce(t, module, tree, strings.TrimSpace(path))
			}
		}
		apply := exec.CommandContext(t.Context(), "git", "apply", "-p1", patch) //nolint:gosec // a file of ours
		apply.Dir, apply.Env = tree, append(os.Environ(), "GIT_DIR=/nonexistent")
		if out, err := apply.CombinedOutput(); err != nil {
			t.Errorf("%s does not apply: %v\n%s", patch, err, out)
		}
	}
}

// copyOnce copies a file unless it is there, changed by an earlier patch.
func copyOnce(t *testing.T, from, to, path string) {
	t.Helper()
	dst := filepath.Join(to, path)
	if _, err := os.Stat(dst); err == nil {
		return
	}
	b, err := os.ReadFile(filepath.Join(from, path))
	if err == nil {
		err = os.MkdirAll(filepath.Dir(dst), 0o755)
	}
	if err == nil {
		err = os.WriteFile(dst, b, 0o644) //nolint:gosec // a copy of a source file
	}
	if err != nil {
		t.Fatal(err)
	}
}
