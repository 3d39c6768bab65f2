package functions_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/thawtest"
)

// shellRuntime is a whole custom runtime: it calls handle with the event on standard input.
const shellRuntime = `#!/bin/sh
set -u
api="http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime"
handle() {
%s
}
while true; do
  headers=$(mktemp)
  event=$(curl -sS -L -D "$headers" "$api/invocation/next")
  id=$(grep -i Lambda-Runtime-Aws-Request-Id "$headers" | tr -d '[:space:]' | cut -d: -f2)
  rm "$headers"
  printf '%%s' "$event" | handle | curl -sS -o /dev/null -X POST --data-binary @- "$api/invocation/$id/response"
done
`

func shell(handle string) thawtest.Files {
	return thawtest.Files{"bootstrap*": strings.Replace(strings.ReplaceAll(shellRuntime, "%%", "%"), "%s\n}", handle+"\n}", 1)}
}

func TestProvided(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	deploy := func(t *testing.T, runtime string, files thawtest.Files) string {
		return s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "my.handler", Timeout: 3, Files: files})
	}
	for _, runtime := range []string{"provided.al2023", "provided.al2"} {
		t.Run("shell on "+runtime, func(t *testing.T) {
			t.Parallel()
			name := deploy(t, runtime, shell(`  printf '{"echo":%s,"handler":"%s"}' "$(cat)" "$_HANDLER"`))
			for range 3 {
				if out := s.Call(t, name, `{"a":1}`); string(out.Payload) != `{"echo":{"a":1},"handler":"my.handler"}` {
					t.Fatalf("got %s\n%s", out.Payload, out.LogTail)
				}
			}
		})
	}
	t.Run("Go", func(t *testing.T) {
		t.Parallel()
		name := deploy(t, "provided.al2023", thawtest.Files{"bootstrap*": goBootstrap(t, "testdata/gofunction")})
		var got struct{ ARN, Deadline, Answer string }
		s.Result(t, name, `{"name":"thaw"}`, &got)
		if got.Answer != "hello thaw" || !strings.HasSuffix(got.ARN, ":function:"+name) || got.Deadline == "" {
			t.Errorf("got %+v", got)
		}
		if f := s.Fails(t, name, `{"name":"panic"}`); !strings.Contains(f.Message, "on purpose") {
			t.Errorf("got %s", f.Raw)
		}
		s.Result(t, name, `{"name":"again"}`, &got) // after a panic the runtime ended
	})
	failures := map[string]struct {
		files              thawtest.Files
		errorType, message string
	}{
		"no bootstrap":             {thawtest.Files{"other": "x"}, "Runtime.InvalidEntrypoint", "bootstrap"},
		"bootstrap without x bit":  {thawtest.Files{"bootstrap": "#!/bin/sh\n"}, "Runtime.InvalidEntrypoint", "permission denied"},
		"bootstrap is no program":  {thawtest.Files{"bootstrap*": "\x00\x01\x02"}, "Runtime.InvalidEntrypoint", "exec format"},
		"exits":                    {thawtest.Files{"bootstrap*": "#!/bin/sh\nexit 5\n"}, "Runtime.ExitError", "exit status 5"},
		"never asks for an event":  {thawtest.Files{"bootstrap*": "#!/bin/sh\nsleep 600\n"}, "Sandbox.Timedout", timedOut(s, 3)},
		"reports a failed init":    {thawtest.Files{"bootstrap*": "#!/bin/sh\ncurl -sS -X POST -d '{\"errorType\":\"Mine\",\"errorMessage\":\"no db\"}' http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/init/error\nexit 1\n"}, "Mine", "no db"},
		"closes its pipe and goes": {thawtest.Files{"bootstrap*": "#!/bin/sh\nexec 1>&- 2>&-\ncurl -s -o /dev/null http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next\nexit 9\n"}, "Runtime.ExitError", "exit status 9"},
	}
	for what, c := range failures {
		t.Run(what, func(t *testing.T) {
			t.Parallel()
			f := s.Fails(t, deploy(t, "provided.al2023", c.files), `{}`)
			if f.Type != c.errorType || !strings.Contains(f.Message, c.message) {
				t.Errorf("got %s\n%s", f.Raw, f.Log)
			}
		})
	}
}

// goBootstrap builds the function in dir, which uses aws-lambda-go.
func goBootstrap(t *testing.T, dir string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "bootstrap")
	cmd := exec.Command("go", "build", "-trimpath", "-ldflags=-s -w", "-o", out, ".")
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-mod=mod")
	if b, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, b)
	}
	b, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
