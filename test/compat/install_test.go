package compat_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
)

// boto3Version is what is installed where Python has no boto3 of its own.
const boto3Version = "1.44.5"

// pythonWithBoto3 returns a Python interpreter that has boto3: the system's, or that of a virtual environment.
func pythonWithBoto3(t *testing.T) string {
	t.Helper()
	python := testenv.NeedsCommand(t, "python3")
	out, err := exec.CommandContext(t.Context(), python, "-c", `import sys
try:
    import boto3
    print("boto3", boto3.__version__)
except ImportError:
    print(sys.version)`).Output()
	if err != nil {
		t.Fatal(err)
	}
	if version, ok := strings.CutPrefix(string(out), "boto3 "); ok {
		t.Logf("the system's boto3 is %s", strings.TrimSpace(version))
		return python
	}
	venv := testenv.Cached(t, "boto3", boto3Version+string(out), func(dir string) {
		testenv.Run(t, dir, python, "-m", "venv", dir)
		testenv.Run(t, dir, filepath.Join(dir, "bin", "python"), "-m", "pip", "install", "--quiet", "--no-input", "boto3=="+boto3Version)
	})
	return filepath.Join(venv, "bin", "python")
}

// withNodeModules returns the path of a copy of a program in jssdk beside which its modules are installed.
func withNodeModules(t *testing.T, program string) string {
	t.Helper()
	npm := testenv.NeedsCommand(t, "npm")
	read := func(name string) []byte {
		b, err := os.ReadFile(filepath.Join("jssdk", name))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	write := func(dir, name string) {
		if err := os.WriteFile(filepath.Join(dir, name), read(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	modules := testenv.Cached(t, "jssdk", string(read("package-lock.json")), func(dir string) {
		write(dir, "package.json")
		write(dir, "package-lock.json")
		testenv.Run(t, dir, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	})
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(modules, "node_modules"), filepath.Join(dir, "node_modules")); err != nil {
		t.Fatal(err)
	}
	write(dir, program)
	return filepath.Join(dir, program)
}

// goProgram builds the tour in gosdk, a module of its own so that the SDK is none of ours.
func goProgram(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tour")
	testenv.Run(t, "gosdk", testenv.NeedsCommand(t, "go"), "build", "-o", path, ".")
	return path
}
