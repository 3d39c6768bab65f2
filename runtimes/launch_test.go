package runtimes_test

import (
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes"
)

func TestLaunch(t *testing.T) {
	t.Parallel()
	tests := []struct {
		img  runtimes.Image
		kind string
		argv string
		env  map[string]string // a part
	}{
		{
			runtimes.Image{Name: "python3.11", Family: lambda.FamilyPython}, link.KindFrames,
			"/var/lang/bin/python3.11 /var/runtime/bootstrap.py",
			map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11", "PYTHONPATH": "/var/runtime", "TZ": ":UTC", "LANG": "en_US.UTF-8"},
		},
		{
			runtimes.Image{Name: "nodejs20.x", Family: lambda.FamilyNode}, link.KindFrames,
			"/var/lang/bin/node --expose-gc --max-http-header-size=81920 --max-old-space-size=9216 --max-semi-space-size=8 /var/runtime/bootstrap.cjs",
			map[string]string{"AWS_EXECUTION_ENV": "AWS_Lambda_nodejs20.x", "NODE_PATH": "/opt/nodejs/node20/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:/var/runtime:/var/task"},
		},
		{
			runtimes.Image{Name: "provided.al2", Family: lambda.FamilyProvided}, link.KindHTTP,
			"/var/task/bootstrap", map[string]string{"LAMBDA_TASK_ROOT": "/var/task", "LAMBDA_RUNTIME_DIR": "/var/runtime"},
		},
	}
	for _, tt := range tests {
		if got := strings.Join(tt.img.Argv(), " "); got != tt.argv || tt.img.Kind() != tt.kind {
			t.Errorf("%s: %s by %s, want %s by %s", tt.img.Name, got, tt.img.Kind(), tt.argv, tt.kind)
		}
		env := tt.img.Env()
		for k, want := range tt.env {
			if env[k] != want {
				t.Errorf("%s: %s=%q, want %q", tt.img.Name, k, env[k], want)
			}
		}
		if _, ok := env["AWS_EXECUTION_ENV"]; ok == (tt.kind == link.KindHTTP) {
			t.Errorf("%s: AWS_EXECUTION_ENV is there: %v", tt.img.Name, ok)
		}
		if path := strings.Split(env["PATH"], ":"); !slices.Contains(path, "/var/lang/bin") || !slices.Contains(path, "/bin") {
			t.Errorf("%s: PATH %v", tt.img.Name, path)
		}
	}
}
