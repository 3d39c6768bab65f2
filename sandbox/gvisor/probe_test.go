package gvisor

import (
	"os"
	"path/filepath"
	"testing"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
)

func TestProbeThisHost(t *testing.T) {
	testenv.NeedsRoot(t)
	for _, c := range Probe(t.Context(), Options{StateDir: filepath.Join(t.TempDir(), "not", "yet"), SentryPath: helperbin.Sentry(t)}) {
		if c.Must && !c.OK {
			t.Errorf("%s: %s", c.Name, c.Detail)
		}
		if c.OK == (c.Remedy != "") {
			t.Errorf("%s: ok %v with remedy %q", c.Name, c.OK, c.Remedy)
		}
	}
}

func TestProbesFindWhatIsWrong(t *testing.T) {
	t.Parallel()
	file := func(content string) string {
		path := filepath.Join(t.TempDir(), "f")
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for name, bad := range map[string]bool{
		"no trap":       probeSeccomp(file("kill errno log\n")).OK,
		"no seccomp":    probeSeccomp("/nonexistent").OK,
		"ptrace 2":      probePtrace(file("2\n")).OK,
		"ptrace 3":      probePtrace(file("3\n")).OK,
		"no namespaces": probeUserNamespaces(file("0\n")).OK,
		"no sentry":     probeSentry(t.Context(), "").OK,
		"sentry absent": probeSentry(t.Context(), "/nonexistent/thaw-sentry").OK,
		"not runnable":  probeSentry(t.Context(), file("no program")).OK,
	} {
		if bad {
			t.Errorf("%s: the probe was content", name)
		}
	}
	for name, good := range map[string]bool{
		"ptrace 1":       probePtrace(file("1\n")).OK,
		"no yama":        probePtrace("/nonexistent").OK,
		"trap":           probeSeccomp(file("kill trap errno\n")).OK,
		"any namespaces": probeUserNamespaces(file("100\n")).OK,
	} {
		if !good {
			t.Errorf("%s: the probe complained", name)
		}
	}
}

func TestKernelAtLeast(t *testing.T) {
	t.Parallel()
	for release, want := range map[string]bool{
		"5.10.0-1-cloud": true, "6.1": true, "10.0": true, "5.9.99": false, "4.20": false, "": false, "x": false,
	} {
		if got := kernelAtLeast(release, [2]int{5, 10}); got != want {
			t.Errorf("%q: %v", release, got)
		}
	}
}
