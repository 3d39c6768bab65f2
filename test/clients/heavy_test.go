//go:build compat

package clients_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

// copied returns a copy of a directory of testdata in dir, for a build that leaves its results beside the sources.
func copied(t *testing.T, name, dir string) {
	t.Helper()
	if err := os.CopyFS(dir, os.DirFS(filepath.Join("testdata", name))); err != nil {
		t.Fatal(err)
	}
}

// sources is the content of a directory of testdata, as a key for what is built from it.
func sources(t *testing.T, name string) string {
	t.Helper()
	var all strings.Builder
	for path, content := range tree(t, filepath.Join("testdata", name)) {
		all.WriteString(path + "\x00" + content + "\x00")
	}
	return all.String()
}

// TestRustRuntimeClient runs a function made with lambda_runtime.
func TestRustRuntimeClient(t *testing.T) {
	t.Parallel()
	cargo := testenv.NeedsCommand(t, "cargo")
	dir := testenv.Cached(t, "rust", sources(t, "rust"), func(dir string) {
		copied(t, "rust", dir)
		testenv.Run(t, dir, cargo, "build", "--release", "--quiet", "--target-dir", "target")
	})
	program, err := os.ReadFile(filepath.Join(dir, "target/release/bootstrap"))
	if err != nil {
		t.Fatal(err)
	}
	s := thawtest.Start(t, nil)
	contract(t, s, s.Deploy(t, thawtest.Function{Runtime: custom, Handler: "x", Timeout: 30, Files: thawtest.Files{"bootstrap*": string(program)}}))
}

// TestJavaRuntimeClient runs a Java function with AWS's runtime interface client on this host's Java.
func TestJavaRuntimeClient(t *testing.T) {
	t.Parallel()
	maven, java := testenv.NeedsCommand(t, "mvn"), testenv.NeedsCommand(t, "java")
	dir := testenv.Cached(t, "java", sources(t, "java"), func(dir string) {
		copied(t, "java", dir)
		testenv.Run(t, dir, maven, "-q", "-B", "package", "dependency:copy-dependencies", "-DoutputDirectory=target/lib")
	})
	files := thawtest.Files{}
	for _, pattern := range []string{"target/lib/*.jar", "target/*.jar"} {
		jars, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, jar := range jars {
			data, err := os.ReadFile(jar)
			if err != nil {
				t.Fatal(err)
			}
			files["lib/"+filepath.Base(jar)] = string(data)
		}
	}
	program, err := filepath.EvalSymlinks(java)
	if err != nil {
		t.Fatal(err)
	}
	home := filepath.Dir(filepath.Dir(program))
	files["bootstrap*"] = "#!/bin/sh\nexec " + program + " -XX:+UseSerialGC -XX:TieredStopAtLevel=1 -Xmx256m -cp '/var/task/lib/*' com.amazonaws.services.lambda.runtime.api.client.AWSLambda \"$_HANDLER\"\n"
	s := start(t, home)
	contract(t, s, s.Deploy(t, thawtest.Function{Runtime: custom, Handler: "dev.thaw.Handler::handleRequest", Files: files, Timeout: 60, MemoryMB: 1024}))
}

// TestNodeRuntimeClient runs aws-lambda-ric, whose native part npm compiles.
func TestNodeRuntimeClient(t *testing.T) {
	t.Parallel()
	node, npm := testenv.NeedsCommand(t, "node"), testenv.NeedsCommand(t, "npm")
	program, err := exec.CommandContext(t.Context(), node, "-p", "fs.realpathSync(process.execPath)").Output()
	if err != nil {
		t.Fatal(err)
	}
	interpreter := strings.TrimSpace(string(program))
	const client = "aws-lambda-ric@3.3.0"
	dir := testenv.Cached(t, "ric", client+string(program), func(dir string) {
		// node-gyp takes the headers beside the program instead of loading them.
		testenv.Run(t, dir, "env", "npm_config_nodedir="+filepath.Dir(filepath.Dir(interpreter)), npm, "install", "--no-audit", "--no-fund", "--loglevel=error", client)
	})
	files := thawtest.Files{}
	for name, content := range tree(t, filepath.Join(dir, "node_modules")) {
		if !strings.Contains(name, "/deps/") && !strings.Contains(name, "/build/") { // sources of the native part
			files["node_modules/"+name] = content
		}
	}
	files["app.js"] = `exports.handler = async (event, context) => {
  if (event.fail) throw new Error(event.fail);
  if ('exit' in event) process.exit(event.exit);
  return { hello: event.name, id: context.awsRequestId, arn: context.invokedFunctionArn };
};
`
	files["bootstrap*"] = "#!/bin/sh\nexec " + interpreter + " --max-http-header-size 81920 /var/task/node_modules/aws-lambda-ric/bin/index.mjs \"$_HANDLER\"\n"
	s := start(t, interpreter)
	contract(t, s, s.Deploy(t, thawtest.Function{Runtime: custom, Handler: "app.handler", Files: files, Timeout: 30}))
}

// TestLambdaWebAdapter runs an ordinary web server behind Lambda Web Adapter, which is an external extension in a layer
// that takes the events itself.
func TestLambdaWebAdapter(t *testing.T) {
	t.Parallel()
	cargo := testenv.NeedsCommand(t, "cargo")
	const version = "1.0.0-rc1"
	dir := testenv.Cached(t, "web-adapter", version, func(dir string) {
		testenv.Run(t, dir, "env", "CARGO_PROFILE_RELEASE_OPT_LEVEL=0", "CARGO_PROFILE_RELEASE_LTO=off",
			cargo, "install", "--quiet", "--root", dir, "--target-dir", filepath.Join(dir, "target"), "lambda_web_adapter", "--version", version)
		if err := os.RemoveAll(filepath.Join(dir, "target")); err != nil {
			t.Fatal(err)
		}
	})
	adapter, err := os.ReadFile(filepath.Join(dir, "bin", "lambda-adapter"))
	if err != nil {
		t.Fatal(err)
	}
	interpreter, runtime := python(t)
	s := start(t, interpreter)
	layer := s.Layer(t, "web-adapter", thawtest.Files{"extensions/lambda-adapter*": string(adapter)})
	name := s.Deploy(t, thawtest.Function{
		Runtime: custom, Handler: "x", Timeout: 30, Layers: []string{layer},
		Files: thawtest.Files{"bootstrap*": "#!/bin/sh\nexec /var/lang/bin/" + runtime + " /var/task/server.py\n", "server.py": webServer},
	})
	for _, who := range []string{"first", "second"} {
		var got struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		s.Result(t, name, `{"version":"2.0","routeKey":"$default","rawPath":"/hello","rawQueryString":"who=`+who+`","headers":{"host":"web"},`+
			`"requestContext":{"accountId":"anonymous","apiId":"x","domainName":"web","domainPrefix":"web","http":{"method":"GET","path":"/hello","protocol":"HTTP/1.1","sourceIp":"127.0.0.1","userAgent":"t"},`+
			`"requestId":"1","routeKey":"$default","stage":"$default","time":"12/Mar/2026:19:03:58 +0000","timeEpoch":1}, "isBase64Encoded":false}`, &got)
		if got.StatusCode != 418 || got.Headers["x-server"] != "plain" || got.Body != "hello /hello?who="+who {
			t.Errorf("got %+v", got)
		}
	}
}

// webServer knows nothing of Lambda.
const webServer = `from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        body = ("hello " + self.path).encode()
        self.send_response(200 if self.path == "/" else 418)
        self.send_header("X-Server", "plain")
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

ThreadingHTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
`
