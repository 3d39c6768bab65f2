package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestSimKeepAlive(t *testing.T) {
	dir := t.TempDir()
	trace, svg := filepath.Join(dir, "trace"), filepath.Join(dir, "curve.svg")
	code, out, errs := run(t, "sim", "keepalive", "--generate", trace, "--functions", "12", "--days", "1")
	if code != exitOK || !strings.Contains(out, "app_memory_percentiles.anon.d01.csv") {
		t.Fatalf("exit code %d, stdout %q, stderr %q", code, out, errs)
	}
	code, out, errs = run(t, "sim", "keepalive", "--json", "--trace", trace, "--svg", svg, "--ttl", "5m,10m", "--exchange", "40,5000")
	if code != exitOK {
		t.Fatalf("exit code %d, stderr %q", code, errs)
	}
	var got struct {
		Functions int
		Outcomes  []struct{ Policy string }
	}
	if err := json.Unmarshal([]byte(out), &got); err != nil {
		t.Fatal(err)
	}
	if got.Functions != 12 || len(got.Outcomes) != 8 || got.Outcomes[0].Policy != "fixed 5 min" {
		t.Errorf("result %+v, want 12 functions and two outcomes of each family", got)
	}
	if b, err := os.ReadFile(svg); err != nil || !strings.Contains(string(b), "<svg") {
		t.Errorf("chart: %v", err)
	}
}

func TestSimKeepAliveRefuses(t *testing.T) {
	t.Parallel()
	bad := filepath.Join(t.TempDir(), "bad.csv")
	if err := os.WriteFile(bad, []byte("HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,many\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--trace", bad}, exitFailed, bad + `:2: minute 1: "many" is not a count`},
		{[]string{"--trace", "x", "--generate", "y"}, exitUsage, "give one of them"},
		{[]string{"--spread", "wide"}, exitUsage, "want random or even"},
		{[]string{"--ttl", "soon"}, exitUsage, "soon"},
		{[]string{"--days", "99"}, exitFailed, "want 1 to"},
		{[]string{"trace.csv"}, exitUsage, "trace.csv"},
	} {
		code, out, errs := run(t, append([]string{"sim", "keepalive"}, c.args...)...)
		if code != c.code || !strings.Contains(errs, c.want) || out != "" {
			t.Errorf("%v: exit code %d, stderr %q, want %d and %q", c.args, code, errs, c.code, c.want)
		}
	}
}
