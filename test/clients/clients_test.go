package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/runtimes"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// custom is the runtime that the clients run on.
const custom = "provided.al2023"

// start starts a server whose custom runtime has programs of this host.
func start(t *testing.T, with ...string) *thawtest.Server {
	t.Helper()
	return thawtest.Start(t, func(c *node.Config) {
		catalog, err := node.OpenRuntimes(*c, c.Helpers.Agent)
		if err == nil {
			_, err = catalog.Add(t.Context(), custom, runtimes.AddOptions{With: with})
		}
		if err != nil {
			t.Fatal(err)
		}
	})
}

// python returns the path of this host's Python, behind any shim, and the name of its runtime.
func python(t *testing.T) (path, runtime string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), testenv.NeedsCommand(t, "python3"), "-c", "import sys; print(sys.executable)").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out)), thawtest.Python(t)
}

// pip returns the files of Python packages, installed with all they need.
func pip(t *testing.T, python string, packages ...string) thawtest.Files {
	t.Helper()
	dir := testenv.Cached(t, "pip", python+strings.Join(packages, " "), func(dir string) {
		testenv.Run(t, dir, append([]string{python, "-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check", "--no-compile", "--target", "."}, packages...)...)
	})
	return tree(t, dir)
}

// npm returns the files of node packages, installed with all they need.
func npm(t *testing.T, packages ...string) thawtest.Files {
	t.Helper()
	dir := testenv.Cached(t, "npm", strings.Join(packages, " "), func(dir string) {
		testenv.Run(t, dir, append([]string{testenv.NeedsCommand(t, "npm"), "install", "--no-audit", "--no-fund", "--loglevel=error"}, packages...)...)
	})
	return tree(t, dir)
}

// tree reads all files below dir but symbolic links.
func tree(t *testing.T, dir string) thawtest.Files {
	t.Helper()
	files := thawtest.Files{}
	err := filepath.WalkDir(dir, func(p string, d os.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, p)
		if err != nil {
			return err
		}
		if info, err := d.Info(); err == nil && info.Mode()&0o111 != 0 {
			name += "*"
		}
		files[name] = string(data)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// contract is what every runtime client's function is asked. Each has the handler that handlers describe: it answers with
// the event's "name", fails if the event says "fail", and ends its process if the event says "exit".
func contract(t *testing.T, s *thawtest.Server, name string) {
	t.Helper()
	for _, who := range []string{"first", "zweite ✓"} {
		var got struct{ Hello, ID, ARN string }
		s.Result(t, name, `{"name":"`+who+`"}`, &got)
		if got.Hello != who || len(got.ID) != 36 || !strings.HasSuffix(got.ARN, ":function:"+name) {
			t.Errorf("asked by %s, the answer is %+v", who, got)
		}
	}
	f := s.Fails(t, name, `{"name":"x","fail":"on purpose"}`)
	if !strings.Contains(f.Message, "on purpose") || f.Type == "" {
		t.Errorf("a failure is %s\n%s", f.Raw, f.Log)
	}
	f = s.Fails(t, name, `{"name":"x","exit":7}`)
	if f.Type != "Runtime.ExitError" || !strings.Contains(f.Message, "exit status 7") {
		t.Errorf("an exit is %s\n%s", f.Raw, f.Log)
	}
	var got struct{ Hello string }
	s.Result(t, name, `{"name":"after all that"}`, &got)
	if got.Hello != "after all that" {
		t.Errorf("after a restart: %+v", got)
	}
	out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Payload: []byte(`{"name":"` + strings.Repeat("x", 5<<20) + `"}`)})
	if err != nil || out.FunctionError != "" || len(out.Payload) < 5<<20 {
		t.Errorf("5 MB: %v %s, %d bytes", err, out.FunctionError, len(out.Payload))
	}
}

const pythonHandler = `import os

def handler(event, context):
    if event.get("fail"):
        raise ValueError(event["fail"])
    if "exit" in event:
        os._exit(event["exit"])
    print("hello", event["name"][:20])
    return {"hello": event["name"], "id": context.aws_request_id, "arn": context.invoked_function_arn}
`

// TestPythonRuntimeClient runs awslambdaric as a custom runtime.
func TestPythonRuntimeClient(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	interpreter, runtime := python(t)
	s := start(t, interpreter)
	files := pip(t, interpreter, "awslambdaric==4.2.2")
	files["app.py"] = pythonHandler
	files["bootstrap*"] = "#!/bin/sh\nexport PYTHONPATH=/var/task\nexec /var/lang/bin/" + runtime + " -m awslambdaric \"$_HANDLER\"\n"
	contract(t, s, s.Deploy(t, thawtest.Function{Runtime: custom, Handler: "app.handler", Files: files, Timeout: 30}))
}

// TestPowertoolsForPython: logger, metrics and tracer of Powertools find what they look for.
func TestPowertoolsForPython(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	s := thawtest.Start(t, nil)
	interpreter, runtime := python(t)
	files := pip(t, interpreter, "aws-lambda-powertools==3.23.0")
	files["app.py"] = `from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.event_handler import LambdaFunctionUrlResolver
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

logger, metrics, app = Logger(), Metrics(), LambdaFunctionUrlResolver()

@app.get("/hello/<who>")
def hello(who):
    return {"hello": who}

@logger.inject_lambda_context
@metrics.log_metrics(capture_cold_start_metric=True)
def handler(event, context):
    logger.info("handled", extra={"who": "powertools"})
    metrics.add_metric(name="Handled", unit=MetricUnit.Count, value=1)
    return app.resolve(event, context)
`
	name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Files: files, Timeout: 30,
		Env: map[string]string{"POWERTOOLS_SERVICE_NAME": "ice", "POWERTOOLS_METRICS_NAMESPACE": "thaw"}})
	powertools(t, s, name)
}

// powertools asks a function that uses Powertools, twice.
func powertools(t *testing.T, s *thawtest.Server, name string) {
	t.Helper()
	for _, cold := range []string{"true", "false"} {
		out := s.Call(t, name, `{"version":"2.0","rawPath":"/hello/world","headers":{"host":"x"},"requestContext":{"http":{"method":"GET","path":"/hello/world"},"stage":"$default"}}`)
		if out.FunctionError != "" || !strings.Contains(string(out.Payload), `hello`) {
			t.Fatalf("answer %s\n%s", out.Payload, out.LogTail)
		}
		log := strings.ReplaceAll(string(out.LogTail), " ", "")
		for _, part := range []string{`"cold_start":` + cold, `"function_name":"` + name + `"`, `"who":"powertools"`, `"Handled"`, `"_aws":`} {
			if !strings.Contains(log, part) {
				t.Errorf("the log lacks %s:\n%s", part, out.LogTail)
			}
		}
	}
}

// TestPowertoolsForTypeScript is the same in Node.js.
func TestPowertoolsForTypeScript(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	s := thawtest.Start(t, nil)
	files := npm(t, "@aws-lambda-powertools/logger@2.36.0", "@aws-lambda-powertools/metrics@2.36.0", "@aws-lambda-powertools/tracer@2.36.0")
	files["app.mjs"] = `import { Logger } from '@aws-lambda-powertools/logger';
import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
const logger = new Logger(), metrics = new Metrics();
export const handler = async (event, context) => {
  logger.addContext(context);
  logger.info('handled', { who: 'powertools' });
  metrics.setFunctionName(context.functionName);
  metrics.captureColdStartMetric();
  metrics.addMetric('Handled', MetricUnit.Count, 1);
  metrics.publishStoredMetrics();
  return { statusCode: 200, body: JSON.stringify({ hello: 'world' }) };
};
`
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Node(t), Handler: "app.handler", Files: files, Timeout: 30,
		Env: map[string]string{"POWERTOOLS_SERVICE_NAME": "ice", "POWERTOOLS_METRICS_NAMESPACE": "thaw"}})
	powertools(t, s, name)
}
