package node_test

import (
	"context"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/node"
)

func config(t *testing.T) node.Config {
	t.Helper()
	c := node.Default()
	c.DataDir, c.Listen, c.Engine = t.TempDir(), "127.0.0.1:0", "fake"
	c.Helpers = embedded.Paths{Agent: helperbin.Agent(t), Sentry: "/nonexistent/sentry"}
	c.Logger = slog.New(slog.DiscardHandler)
	return c
}

func TestOpenServesAndCloseLeavesTheAddressFree(t *testing.T) {
	t.Parallel()
	c := config(t)
	for range 2 { // the second time on the same directory and address
		n, err := node.Open(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		c.Listen = n.Addr()
		for _, path := range []string{"/healthz", "/readyz"} {
			resp, err := http.Get("http://" + n.Addr() + path)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Errorf("%s answered %d", path, resp.StatusCode)
			}
		}
		if info, err := os.Stat(filepath.Join(c.DataDir, "credentials")); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("credentials: %v, %v", info, err)
		}
		if err := n.Shutdown(context.Background()); err != nil {
			t.Error(err)
		}
		if _, err := os.Stat(filepath.Join(c.DataDir, node.ServerFile)); !os.IsNotExist(err) {
			t.Errorf("%s after shutdown: %v", node.ServerFile, err)
		}
	}
}

func TestOpenRefusesASecondServerOnADirectory(t *testing.T) {
	t.Parallel()
	c := config(t)
	n, err := node.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	if _, err := node.Open(t.Context(), c); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("got %v", err)
	}
}

func TestOpenRefusesWithoutAnEngine(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := config(t)
	c.Engine = "gvisor"
	if n, err := node.Open(t.Context(), c); err == nil {
		_ = n.Close()
		t.Error("served without gVisor's processes")
	}
}

func TestOpenRefusesSettingsThatMakeNoSense(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*node.Config){
		"account":       func(c *node.Config) { c.Account = "12" },
		"region":        func(c *node.Config) { c.Region = "Earth" },
		"engine":        func(c *node.Config) { c.Engine = "docker" },
		"PATTERN":       func(c *node.Config) { c.EngineFor = []string{"gvisor"} },
		"monitor":       func(c *node.Config) { c.VMM = "vmware" },
		"negative":      func(c *node.Config) { c.KeepAlive = -1 },
		"listen":        func(c *node.Config) { c.Listen = "nowhere" },
		"--egress-deny": func(c *node.Config) { c.Engine, c.EgressDeny = "gvisor", []string{"10.0.0.0"} },
		"--resolver":    func(c *node.Config) { c.Engine, c.Resolvers = "gvisor", []string{"192.0.2.1"} },
	} {
		c := config(t)
		change(&c)
		n, err := node.Open(t.Context(), c)
		if err == nil {
			_ = n.Close()
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}

// TestOpenRefusesAnEngineOfSomeFunctionsOnly: a policy must not be found out to be impossible by the first invocation.
func TestOpenRefusesAnEngineOfSomeFunctionsOnly(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := config(t)
	c.EngineFor = []string{"arn:aws:lambda:*:222222222222:function:*=gvisor"} // its processes' program is missing
	n, err := node.Open(t.Context(), c)
	if err == nil {
		_ = n.Close()
	}
	if err == nil || !strings.Contains(err.Error(), "engine gvisor cannot run") || !strings.Contains(err.Error(), "thaw doctor --engine gvisor") {
		t.Errorf("got %v", err)
	}
}

func TestExamineLooksAtEveryEngine(t *testing.T) {
	t.Parallel()
	c := config(t)
	c.EngineFor = []string{"arn:aws:lambda:*:*:function:a*=gvisor", "arn:aws:lambda:*:*:function:b*=microvm"}
	all, err := node.Examine(t.Context(), c, c.Helpers)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, one := range all {
		names = append(names, one.Engine)
	}
	if strings.Join(names, " ") != "fake gvisor microvm" || len(all[1].Checks) == 0 {
		t.Fatalf("%+v", all)
	}
	for _, check := range all[2].Checks {
		if check.Name == "guest kernel" && (check.OK || !strings.Contains(check.Remedy, "thaw runtime kernel")) {
			t.Errorf("%+v", check)
		}
	}
	entries, err := os.ReadDir(c.DataDir)
	if err != nil || len(entries) != 0 {
		t.Errorf("it left %v, %v", entries, err)
	}
}

func TestOpenRefusesWithoutAMonitor(t *testing.T) {
	testenv.NeedsRoot(t)
	_ = helperbin.Agent(t) // needs the go command
	t.Setenv("PATH", "/nonexistent")
	for _, vmm := range []string{"qemu", "firecracker", "auto"} {
		c := config(t)
		c.Engine, c.VMM = "microvm", vmm
		c.Helpers.Init, c.Helpers.Jail = "/nonexistent/init", "/nonexistent/jail"
		n, err := node.Open(t.Context(), c)
		if err == nil {
			_ = n.Close()
		}
		want := strings.Replace(vmm, "auto", "qemu", 1) // without the other
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), "thaw doctor --engine microvm") {
			t.Errorf("%s: got %v", vmm, err)
		}
	}
}
