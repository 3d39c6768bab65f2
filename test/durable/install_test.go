package durable_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

// Versions of AWS's SDKs for durable functions.
const (
	pythonSDK = "aws-durable-execution-sdk-python==3.0.0"
	boto3     = "boto3==1.44.5"
	nodeSDK   = "@aws/durable-execution-sdk-js@2.4.0"
)

// interpreter is this host's Python, behind any shim.
func interpreter(t *testing.T) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), testenv.NeedsCommand(t, "python3"), "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// pythonPackages is a directory with the SDK for Python and all it needs.
func pythonPackages(t *testing.T) string {
	t.Helper()
	python := interpreter(t)
	return testenv.Cached(t, "durable-pip", python+pythonSDK+boto3, func(dir string) {
		testenv.Run(t, dir, python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--target", ".", pythonSDK, boto3)
	})
}

// nodeModules is a directory with the SDK for JavaScript and all it needs.
func nodeModules(t *testing.T) string {
	t.Helper()
	return testenv.Cached(t, "durable-npm", nodeSDK, func(dir string) {
		testenv.Run(t, dir, testenv.NeedsCommand(t, "npm"), "install", "--no-audit", "--no-fund", "--loglevel=error", nodeSDK)
	})
}

// tree reads all files below dir, but those that a function does not need.
func tree(t *testing.T, dir string) thawtest.Files {
	t.Helper()
	files := thawtest.Files{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil || !d.Type().IsRegular() || unneeded(name) {
			return err
		}
		data, err := os.ReadFile(p)
		files[name] = string(data)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// unneeded are models of services that a function does not call, and declarations of types: they are most of the SDKs' size.
func unneeded(name string) bool {
	if rest, ok := strings.CutPrefix(name, "botocore/data/"); ok && strings.Contains(rest, "/") {
		service, _, _ := strings.Cut(rest, "/")
		return service != "lambda" && service != "sts"
	}
	return strings.HasPrefix(name, "boto3/data/") || strings.HasSuffix(name, ".d.ts") || strings.HasSuffix(name, ".map") || strings.Contains(name, "/dist-es/")
}

// testdata reads a file of the test's.
func testdata(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
