package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/gateway"
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

// TestClientsOfOperations: no operation counts as implemented that tests call with one language's client only.
func TestClientsOfOperations(t *testing.T) {
	t.Parallel()
	calls, err := callsOfTests(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	refusals := gateway.Refusals()
	for _, op := range api.Operations {
		if refusals[op.Name] != "" {
			continue
		}
		python := calls["AWS CLI"][op.Name] || calls["boto3"][op.Name]
		if strings.HasSuffix(op.Name, "ResourcePolicy") {
			python = true // too new for the botocore that both have
		}
		if !python || !calls["Go SDK"][op.Name] || !calls["JS SDK"][op.Name] {
			t.Errorf("%s: called with the AWS CLI %t, boto3 %t, the Go SDK %t, the JS SDK %t",
				op.Name, calls["AWS CLI"][op.Name], calls["boto3"][op.Name], calls["Go SDK"][op.Name], calls["JS SDK"][op.Name])
		}
		if op.Tier == 1 && (!calls["Rust SDK"][op.Name] || !calls["Java SDK"][op.Name]) {
			t.Errorf("%s: called with the Rust SDK %t, the Java SDK %t", op.Name, calls["Rust SDK"][op.Name], calls["Java SDK"][op.Name])
		}
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
