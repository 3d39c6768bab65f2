package compat_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// steps are what each tour does, in this order. A tour prints "step: NAME" when it begins one.
var steps = []string{
	"identity",
	"account settings",
	"create",
	"create again",
	"wait until active",
	"get and download",
	"invoke",
	"dry run",
	"function error",
	"update code",
	"update configuration",
	"list in pages",
	"tags",
	"concurrency and code signing",
	"versions",
	"reserved concurrency",
	"provisioned concurrency",
	"aliases",
	"snap start",
	"permissions",
	"function url",
	"event invoke config",
	"asynchronous invocation",
	"recursion and runtime management",
	"layers",
	"code signing",
	"tags of other resources",
	"event source mappings",
	"revision that is not the latest",
	"invalid parameter",
	"payload too large",
	"unknown function",
	"wrong secret key",
	"unknown access key",
	"not implemented yet",
	"delete",
}

// without leaves out steps that a client makes in a test of its own.
func without(names ...string) []string {
	return slices.DeleteFunc(slices.Clone(steps), func(step string) bool { return slices.Contains(names, step) })
}

// tourTimeout is far more than the slowest tour needs: the AWS CLI starts some hundred times.
const tourTimeout = 9 * time.Minute

// source is the function of the tours, a format with the version as its only argument.
const source = `import os

def handler(event, context):
    print("version %[1]d handles", event)
    if event.get("fail"):
        raise ValueError("on purpose")
    if event.get("import"):
        return __import__(event["import"]).word
    custom = context.client_context.custom if context.client_context else None
    return {"version": %[1]d, "event": event, "memory": context.memory_limit_in_mb,
            "greeting": os.environ.get("GREETING"), "custom": custom, "arn": context.invoked_function_arn}
`

// tour is a directory and an environment in which a tour can run.
type tour struct {
	dir string
	env []string
}

// newTour starts a server and makes a directory with two versions of a function, one.zip and two.zip, a layer with a
// word, layer.zip, and an event that is too large, large.json.
func newTour(t *testing.T) *tour {
	t.Helper()
	return newTourOn(t, thawtest.Start(t, nil))
}

func newTourOn(t *testing.T, s *thawtest.Server) *tour {
	t.Helper()
	keys, err := client.FromDataDir(s.Dir, s.Endpoint())
	if err != nil {
		t.Fatal(err)
	}
	w := &tour{dir: t.TempDir()}
	w.env = []string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + t.TempDir(),
		"TMPDIR=" + t.TempDir(),
		"LANG=C.UTF-8",
		"AWS_ENDPOINT_URL=" + s.Endpoint(),
		"AWS_REGION=us-east-1",
		"AWS_DEFAULT_REGION=us-east-1",
		"AWS_ACCESS_KEY_ID=" + keys.AccessKey,
		"AWS_SECRET_ACCESS_KEY=" + keys.SecretKey,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_PAGER=",
		"TOUR_ROLE=" + thawtest.Role,
		"TOUR_RUNTIME=" + thawtest.Python(t),
		"TOUR_SHA256_ONE=" + w.pack(t, "one.zip", 1),
		"TOUR_SHA256_TWO=" + w.pack(t, "two.zip", 2),
	}
	w.write(t, "layer.zip", thawtest.Zip(t, thawtest.Files{"python/word.py": "word = 'ice'\n"}))
	w.write(t, "large.json", []byte(`"`+strings.Repeat("x", 7<<20)+`"`))
	return w
}

// pack writes a version of the function and returns the digest that the API shows.
func (w *tour) pack(t *testing.T, name string, version int) string {
	t.Helper()
	zip := thawtest.Zip(t, thawtest.Files{"app.py": fmt.Sprintf(source, version)})
	w.write(t, name, zip)
	sum := sha256.Sum256(zip)
	return base64.StdEncoding.EncodeToString(sum[:])
}

func (w *tour) write(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(w.dir, name), content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// run runs the tour that argv starts and checks that it made every step of want.
func (w *tour) run(t *testing.T, want []string, argv ...string) {
	t.Helper()
	begin := time.Now()
	out, err := w.output(t, argv)
	if err != nil {
		t.Fatalf("the tour failed: %v\n%s", err, out)
	}
	var made []string
	for line := range strings.Lines(out) {
		if step, ok := strings.CutPrefix(line, "step: "); ok {
			made = append(made, strings.TrimSpace(step))
		}
	}
	if !slices.Equal(made, want) {
		t.Errorf("the tour made these steps:\n%q\nand not these:\n%q\n%s", made, want, out)
	}
	t.Logf("%s\ntook %s", out, time.Since(begin).Round(time.Millisecond))
}

func (w *tour) output(t *testing.T, argv []string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeoutCause(t.Context(), tourTimeout, fmt.Errorf("it did not end within %s", tourTimeout))
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // the tours of this package
	cmd.Dir, cmd.Env = w.dir, w.env
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) } // with what it started
	err := cmd.Run()
	if ctx.Err() != nil {
		err = context.Cause(ctx)
	}
	return out.String(), err
}

// beside returns the absolute path of a file of this package.
func beside(t *testing.T, name string) string {
	t.Helper()
	path, err := filepath.Abs(name)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func TestAWSCLI(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	for _, name := range []string{"aws", "curl", "cmp"} {
		testenv.NeedsCommand(t, name)
	}
	// url.sh and layers.sh have the rest; each call of the CLI costs most of a second.
	want := without("permissions", "function url", "layers", "code signing", "tags of other resources", "event source mappings")
	newTour(t).run(t, want, testenv.NeedsCommand(t, "bash"), beside(t, "tour.sh"))
}

func TestBoto3(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	// layers.py and settings.py have the rest.
	want := without("layers", "code signing", "tags of other resources", "event source mappings")
	newTour(t).run(t, want, pythonWithBoto3(t), beside(t, "tour.py"))
}

func TestGoSDK(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	newTour(t).run(t, steps, goProgram(t))
}

func TestJSSDK(t *testing.T) {
	t.Parallel()
	testenv.Short(t)
	node := testenv.NeedsCommand(t, "node")
	newTour(t).run(t, steps, node, withNodeModules(t, "tour.mjs"))
}
