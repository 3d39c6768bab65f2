package chaos_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

// function is one function of the test. Its answers tell who gave them.
type function struct {
	name, runtime string
	handler       string
	files         func(serial int64) thawtest.Files
	changes       bool              // its code and settings change, versions are published, it is deleted now and then
	limits        bool              // its reserved concurrency changes
	serial        atomic.Int64      // of the newest code that was sent
	errors        map[string]string // error types by what it is told to do
}

// fleet are all functions of the test.
type fleet struct {
	functions []*function
	sheltered *function // nothing of it is broken, and nothing of it may fail
}

// pythonCode does what its event says. The serial is the code's.
const pythonCode = `import os, sys, time
%s
def handler(event, context):
    do = event.get("do")
    if do == "sleep":
        time.sleep(event["ms"] / 1000)
    if do == "raise":
        raise RuntimeError("on purpose")
    if do == "exit":
        os._exit(3)
    return {"name": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "nonce": event["nonce"], "serial": %d}
`

const nodeCode = `exports.handler = async (event) => {
  if (event.do === "sleep") await new Promise((done) => setTimeout(done, event.ms));
  if (event.do === "raise") throw new TypeError("on purpose");
  if (event.do === "exit") process.exit(3);
  return { name: process.env.AWS_LAMBDA_FUNCTION_NAME, nonce: event.nonce, serial: %d };
};
`

// shellCode is a custom runtime, whose environment is free some time after its answer. It only sleeps.
const shellCode = `#!/bin/sh
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
while true; do
  headers=$(mktemp)
  event=$(curl -sS -D "$headers" "$api/invocation/next")
  id=$(grep -i Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  rm "$headers"
  nonce=$(printf '%%s' "$event" | sed 's/.*"nonce": *\([0-9]*\).*/\1/')
  case "$event" in *'"exit"'*) exit 3 ;; esac
  curl -sS -o /dev/null -X POST -d "{\"name\":\"$AWS_LAMBDA_FUNCTION_NAME\",\"nonce\":$nonce,\"serial\":%d}" "$api/invocation/$id/response"
done
`

func newFleet(t *testing.T) *fleet {
	t.Helper()
	python, nodejs := thawtest.Python(t), thawtest.Node(t)
	pythonFiles := func(init string) func(int64) thawtest.Files {
		return func(serial int64) thawtest.Files {
			return thawtest.Files{"app.py": fmt.Sprintf(pythonCode, init, serial)}
		}
	}
	nodeFiles := func(serial int64) thawtest.Files { return thawtest.Files{"app.js": fmt.Sprintf(nodeCode, serial)} }
	shellFiles := func(serial int64) thawtest.Files { return thawtest.Files{"bootstrap*": fmt.Sprintf(shellCode, serial)} }
	inPython := map[string]string{"raise": "RuntimeError", "exit": "Runtime.ExitError"}
	inNode := map[string]string{"raise": "TypeError", "exit": "Runtime.ExitError"}
	return &fleet{sheltered: &function{name: "sheltered", runtime: python, files: pythonFiles(""), errors: inPython}, functions: []*function{
		{name: "python", runtime: python, files: pythonFiles(""), errors: inPython},
		{name: "node", runtime: nodejs, files: nodeFiles, errors: inNode},
		{name: "heavy", runtime: python, files: pythonFiles("time.sleep(0.7)"), errors: inPython},
		{name: "custom", runtime: "provided.al2023", files: shellFiles, errors: map[string]string{"exit": "Runtime.ExitError"}},
		{name: "limited", runtime: python, files: pythonFiles(""), errors: inPython, limits: true},
		{name: "changing-python", runtime: python, files: pythonFiles(""), errors: inPython, changes: true},
		{name: "changing-node", runtime: nodejs, files: nodeFiles, errors: inNode, changes: true},
	}}
}

// create makes the function and waits until it can be invoked.
func (f *function) create(t *testing.T, s *thawtest.Server) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := f.send(ctx, t, s); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(ctx, f.name); err != nil {
		t.Fatal(err)
	}
}

func (f *function) send(ctx context.Context, t *testing.T, s *thawtest.Server) error {
	t.Helper()
	_, err := s.CreateFunction(ctx, client.CreateFunctionInput{
		FunctionName: f.name, Runtime: f.runtime, Handler: "app.handler", Role: thawtest.Role,
		MemorySize: 128, Timeout: int(patience / time.Second), Code: client.CodeInput{ZipFile: thawtest.Zip(t, f.files(f.serial.Add(1)))},
	})
	return err
}

// mustServe invokes a function when nothing breaks any more.
func (f *function) mustServe(t *testing.T, s *thawtest.Server) {
	t.Helper()
	var got answer
	s.Result(t, f.name, `{"nonce": 7}`, &got)
	if got.Name != f.name || got.Nonce != 7 || got.Serial != f.serial.Load() {
		t.Errorf("%s answered %+v, want serial %d", f.name, got, f.serial.Load())
	}
}
