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
