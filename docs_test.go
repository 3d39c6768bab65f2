package thaw_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var anchor = regexp.MustCompile("`([a-z_/]+\\.(?:go|py|cjs))(?:#([A-Za-z]+))?`")

func TestWalkthroughPointsAtCodeThatExists(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("docs/walkthrough.md")
	if err != nil {
		t.Fatal(err)
	}
	found := anchor.FindAllStringSubmatch(string(text), -1)
	if len(found) < 20 {
		t.Fatalf("only %d anchors found", len(found))
	}
	for _, m := range found {
		source, err := os.ReadFile(m[1])
		if err != nil {
			t.Error(err)
			continue
		}
		if m[2] != "" && !regexp.MustCompile(`(?m)^(func (\([^)]*\) )?|type )`+m[2]+`\b`).Match(source) {
			t.Errorf("%s has no %s", m[1], m[2])
		}
	}
}

func TestEveryDirectDependencyIsExplained(t *testing.T) {
	t.Parallel()
	mod, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	explained, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(mod)) {
		f := strings.Fields(line)
		if len(f) != 2 || !strings.Contains(f[0], "/") || !strings.HasPrefix(f[1], "v") {
			continue // not a direct requirement
		}
		name := strings.TrimSuffix(f[0], "/v2")
		if i := strings.LastIndex(name, "/"); !strings.Contains(string(explained), name) && !strings.Contains(string(explained), name[i+1:]) {
			t.Errorf("%s has no line in docs/dependencies.md", f[0])
		}
	}
}

var (
	provenBy = regexp.MustCompile("`([a-z/]+)` (Test[A-Za-z0-9]+(?:, Test[A-Za-z0-9]+)*)")
	testName = regexp.MustCompile(`Test[A-Za-z0-9]+`)
)

func TestSpecificationNamesTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("SPECIFICATION.md")
	if err != nil {
		t.Fatal(err)
	}
	found := provenBy.FindAllStringSubmatch(string(text), -1)
	if len(found) < 15 {
		t.Fatalf("only %d references found", len(found))
	}
	for _, m := range found {
		files, err := filepath.Glob(m[1] + "/*_test.go")
		if err != nil {
			t.Fatal(err)
		}
		var source []byte
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, b...)
		}
		for _, name := range testName.FindAllString(m[2], -1) {
			if !strings.Contains(string(source), "func "+name+"(") {
				t.Errorf("%s has no %s", m[1], name)
			}
		}
	}
}

func TestTrapsNameTestsThatExist(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("test/traps/doc.go")
	if err != nil {
		t.Fatal(err)
	}
	var source []byte
	for _, pattern := range []string{"*/*_test.go", "*/*/*_test.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			source = append(source, b...)
		}
	}
	names := testName.FindAllString(string(text), -1)
	if len(names) < 60 {
		t.Fatalf("only %d tests named", len(names))
	}
	for _, name := range names {
		if !strings.Contains(string(source), "func "+name+"(") {
			t.Errorf("there is no %s", name)
		}
	}
}
