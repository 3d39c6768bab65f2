package thaw_test

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const module = "thaw.dev/thaw"

// rules say what a package must not import, directly, and why. A package matches by path below the module or by prefix
// ending in "/...".
var rules = []struct {
	pkg       string
	forbidden []string // prefixes; a leading "!" is an exception
	why       string
}{
	{"lambda", []string{module, "net"}, "the nouns stand at the bottom and do no I/O"},
	{"link", []string{module, "net/http"}, "the agent and the bootstraps' tests link it"},
	{"functionurl", []string{module, "!" + module + "/lambda", "os"}, "formats, no server"},
	{"policy", []string{module, "net/http", "os"}, "the language of policies knows no API"},
	{"logs", []string{module}, "a log stream knows nobody"},
	{"eventstream", []string{module, "net"}, "a format of bytes knows nobody"},
	{"logpattern", []string{module}, "a pattern looks at text alone"},
	{"mapping", []string{module, "!" + module + "/lambda", "!" + module + "/store", "net/http"}, "use cases do not import each other, nor the front"},
	{"cloudwatch", []string{module, "!" + module + "/lambda", "!" + module + "/store", "!" + module + "/logpattern", "!" + module + "/eventstream", "net/http"}, "use cases do not import each other, nor the front"},
	{"telemetry", []string{module, "net"}, "events know nobody who says or carries them"},
	{"sandbox", []string{module, "gvisor.dev"}, "the contract knows no engine"},
	{"internal/hostfile", []string{module}, "it makes files and knows nobody"},
	{"internal/stream", []string{module, "net", "fmt", "golang.org"}, "everything here runs in every sandbox"},
	{"internal/pidfd", []string{module}, "a process is a process"},
	{"sandbox/microvm", []string{module + "/sandbox/microvm/qemu", module + "/sandbox/microvm/firecracker", module + "/sandbox/microvm/jail", module + "/sandbox/gvisor", module + "/pool", module + "/link"}, "the engine runs on any monitor"},
	{"sandbox/microvm/vmm", []string{module, "!" + module + "/sandbox"}, "the contract knows no monitor"},
	{"sandbox/microvm/guest", []string{module, "!" + module + "/sandbox/microvm", "net/http"}, "what runs in a machine knows neither engine nor pool"},
	{"sandbox/microvm/guest/pid1", []string{module, "!" + module + "/sandbox/microvm/guest/wire", "!" + module + "/internal/stream", "net", "fmt"}, "it runs in every machine"},
	{"sandbox/microvm/guest/wire", []string{module, "net", "os"}, "both sides of the manage channel link it"},
	{"sandbox/microvm/firecracker", []string{module, "!" + module + "/sandbox", "!" + module + "/internal"}, "a monitor knows nothing of the platform"},
	{"sandbox/microvm/firecracker/supervisor", []string{module, "net/http"}, "one runs beside every machine"},
	{"sandbox/microvm/firecracker/double", []string{module}, "a double that shares code with the driver shares its mistakes"},
	{"sandbox/microvm/jail", []string{module, "!" + module + "/internal/pidfd"}, "a jail knows nothing of what is in it"},
	{"sandbox/microvm/kvm", []string{module, "!" + module + "/sandbox", "!" + module + "/internal/cpuinfo"}, "a processor knows nobody"},
	{"sandbox/microvm/qemu", []string{module, "!" + module + "/sandbox", "!" + module + "/internal"}, "a driver knows machines, not what they are for"},
	{"api", []string{module, "!" + module + "/lambda", "os"}, "wire shapes have no behaviour"},
	{"pool", []string{module + "/invoke", module + "/store", module + "/control", module + "/api", module + "/sandbox/"}, "the pool serves any engine and knows no invocation"},
	{"invoke", []string{module + "/store", module + "/control", module + "/api", module + "/sandbox"}, "an invocation sees environments, not sandboxes"},
	{"control", []string{module + "/pool", module + "/invoke", module + "/gateway", module + "/layer", module + "/signing", "gvisor.dev", "github.com/nats-io"}, "use cases do not import each other"},
	{"layer", []string{module + "/pool", module + "/invoke", module + "/gateway", module + "/control", "gvisor.dev"}, "use cases do not import each other"},
	{"signing", []string{module + "/pool", module + "/invoke", module + "/gateway", module + "/control", module + "/layer", "gvisor.dev"}, "use cases do not import each other"},
	{"async", []string{module + "/gateway", module + "/control", module + "/pool", module + "/api", module + "/sandbox"}, "events take the way of every invocation"},
	{"durable", []string{module + "/gateway", module + "/control", module + "/pool", module + "/api", module + "/async", module + "/store", module + "/sandbox"}, "executions take the way of every invocation"},
	{"destination", []string{module, "!" + module + "/lambda", "github.com"}, "it sends what it is given"},
	{"gateway", []string{module + "/pool", module + "/store", module + "/sandbox", "gvisor.dev"}, "the front calls use cases only"},
	{"auth", []string{module}, "who somebody is depends on nothing else"},
	{"iam", []string{module, "!" + module + "/auth", "!" + module + "/store", "!" + module + "/policy"}, "roles know no functions"},
	{"account", []string{module, "!" + module + "/auth", "!" + module + "/store", "!" + module + "/lambda"}, "accounts know no functions"},
	{"keepalive", []string{module, "os", "net"}, "the policy is pure: the simulator runs the same code"},
	{"snapshot", []string{module}, "a directory of files knows nobody"},
	{"s3", []string{module, "!" + module + "/lambda"}, "it reads objects and knows nobody"},
	{"metrics", []string{module, "!" + module + "/pool", "!" + module + "/lambda"}, "it counts what it is told"},
	{"agent/...", []string{module, "!" + module + "/link", "!" + module + "/lambda", "!" + module + "/agent", "!" + module + "/internal/stream", "github.com", "golang.org"}, "everything here runs in every sandbox"},
	{"client", []string{module + "/gateway", module + "/control", module + "/node", "github.com/aws"}, "the client sees what a user sees"},
}

// owners are modules that only the named packages may import.
var owners = map[string][]string{
	"github.com/nats-io":       {"store"},
	"gvisor.dev":               {"sandbox/gvisor", "egress", "cmd/thaw-sentry"},
	"github.com/spf13":         {"cmd/thaw"},
	"github.com/aws":           {"s3"},
	module + "/sandbox/gvisor": {"node"},
}

func TestImportRules(t *testing.T) {
	t.Parallel()
	for pkg, imports := range packages(t) {
		for _, imp := range imports {
			for _, r := range rules {
				if matches(pkg, r.pkg) && forbidden(imp, r.forbidden) {
					t.Errorf("%s imports %s: %s", pkg, imp, r.why)
				}
			}
			for owned, by := range owners {
				if under(imp, owned) && pkg != owned && !slices.ContainsFunc(by, func(o string) bool { return matches(pkg, o) }) && !under(module+"/"+pkg, owned) {
					t.Errorf("%s imports %s, which belongs to %v", pkg, imp, by)
				}
			}
		}
	}
}

func TestEveryPackageSaysWhatItIs(t *testing.T) {
	t.Parallel()
	out, err := exec.Command("go", "list", "-f", "{{.ImportPath}}\t{{.Doc}}", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(out)) {
		pkg, doc, _ := strings.Cut(strings.TrimSpace(line), "\t")
		if doc == "" && !strings.Contains(pkg, "/testdata/") {
			t.Errorf("%s has no package comment", pkg)
		}
	}
}

func packages(t *testing.T) map[string][]string {
	t.Helper()
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "./...").Output()
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for d := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, module), "/")] = p.Imports
	}
	if len(all) < 10 {
		t.Fatalf("only %d packages found", len(all))
	}
	return all
}

func matches(pkg, pattern string) bool {
	if base, ok := strings.CutSuffix(pattern, "/..."); ok {
		return under(pkg, base)
	}
	return pkg == pattern
}

func under(path, prefix string) bool {
	return path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/")
}

func forbidden(imp string, list []string) bool {
	bad := false
	for _, f := range list {
		if exception, ok := strings.CutPrefix(f, "!"); ok {
			if under(imp, exception) {
				return false
			}
		} else if under(imp, f) {
			bad = true
		}
	}
	return bad
}

// TestThreadsAreUnlocked: when a goroutine ends that is locked to its thread, the thread ends as well, and with it every
// sandbox that was started on that thread.
func TestThreadsAreUnlocked(t *testing.T) {
	t.Parallel()
	locked := regexp.MustCompile(`runtime\.LockOSThread\(\).*\n(.*)`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasPrefix(path, "build/") || strings.HasPrefix(path, "sandbox/sandboxtest/guest/") || path == "deps_test.go" {
			return err
		}
		source, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, m := range locked.FindAllSubmatch(source, -1) {
			if !strings.Contains(string(m[1]), "defer runtime.UnlockOSThread()") {
				t.Errorf("%s locks a thread without unlocking it: %s", path, m[0])
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
