package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestDocumentIsCurrent(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	want, err := generate(root)
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(filepath.Join(root, document))
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Errorf("%s is not what the sources say now; run go run ./scripts/conformance", document)
	}
}

func TestNamesOfCalls(t *testing.T) {
	t.Parallel()
	for operation, want := range map[string]string{
		"GetFunctionUrlConfig": "get-function-url-config", "Invoke": "invoke", "GetLayerVersionByArn": "get-layer-version-by-arn",
	} {
		if got := join(operation, "-"); got != want {
			t.Errorf("%s is %s, want %s", operation, got, want)
		}
	}
}
