package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
)

func TestExplain(t *testing.T) {
	t.Parallel()
	stopped, cancel := context.WithCancelCause(t.Context())
	cancel(errStopped)
	notFound := &client.Error{Code: "ResourceNotFoundException", Status: 404}
	for _, c := range []struct {
		ctx  context.Context
		err  error
		code int
		hint string // part of it
	}{
		{t.Context(), errors.New("x"), exitFailed, "thaw doctor"},
		{t.Context(), fmt.Errorf("deploy: %w", notFound), exitFailed, "thaw list"},
		{t.Context(), withHint(notFound, "do that"), exitFailed, "do that"},
		{t.Context(), &client.Error{Code: "InvalidSignatureException", Status: 403}, exitFailed, "thaw env"},
		{t.Context(), &client.Error{Code: "NoSuchBucket", Status: 404}, exitFailed, "is this a Thaw server"},
		{t.Context(), &functionError{"f", "boom"}, exitFunction, "thaw logs f"},
		{t.Context(), &usageError{"thaw x", errors.New("x")}, exitUsage, "thaw x --help"},
		{t.Context(), fmt.Errorf("x: %w", &net.OpError{Op: "dial", Err: errors.New("refused")}), exitUnreachable, "thaw serve"},
		{t.Context(), withHint(&unreachableError{errors.New("x")}, "start it"), exitUnreachable, "start it"},
		{t.Context(), fmt.Errorf("%w: none", client.ErrNoCredentials), exitFailed, "--data"},
		{stopped, fmt.Errorf("x: %w", context.Canceled), exitStopped, ""},
		{t.Context(), errStopped, exitStopped, ""},
	} {
		f := explain(c.ctx, c.err)
		if f.Code != c.code || !strings.Contains(f.Hint, c.hint) || f.Message == "" {
			t.Errorf("%v: got %+v, want code %d and %q", c.err, f, c.code, c.hint)
		}
	}
}

// run executes a command line without a server.
func run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = execute(t.Context(), args, &console{in: strings.NewReader(""), out: &o, err: &e})
	return code, o.String(), e.String()
}

func TestWrongCommandLines(t *testing.T) {
	t.Parallel()
	for line, want := range map[string]string{
		"nonsense":                       `unknown command "nonsense"`,
		"invok":                          "did you mean invoke?",
		"runtime nonsense":               `unknown runtime command "nonsense"`,
		"runtime add python3.11":         "one of --interpreter, --from-dir and --with",
		"bench nonsense":                 `unknown measurement "nonsense"`,
		"list --nonsense":                "unknown flag: --nonsense",
		"list more":                      `unknown command "more"`,
		"invoke":                         "NAME is missing",
		"invoke a b":                     `"b" is one argument too many`,
		"invoke a --event x --payload y": "exclude each other",
		"invoke a --client-context {":    "not JSON",
		"deploy dir":                     "--name is missing",
		"deploy dir --name x --env A":    "want K=V",
		"logs f --since -1s":             "must not be negative",
		"doctor --engine runc":           "gvisor, microvm and fake",
		"doctor --engine-for *=microvm":  "want the 7 of arn:aws:lambda",
		"runtime kernel --kernel a":      "--kernel and --modules",
		"runtime kernel --deb a --kernel b --modules c": "--deb alone",
		"serve --memory-budget 8GB":                     "want a size",
		"serve --keep-alive 3":                          "invalid argument",
		"serve --log-level loud":                        "want debug",
		"serve --log-format xml":                        "text or json",
	} {
		code, out, errs := run(t, strings.Fields(line)...)
		if code != exitUsage || out != "" || !strings.Contains(errs, want) || !strings.Contains(errs, "--help") {
			t.Errorf("thaw %s: exit code %d, stdout %q, stderr %q; want %d and %q", line, code, out, errs, exitUsage, want)
		}
	}
}

func TestErrorsAsJSON(t *testing.T) {
	t.Parallel()
	code, _, errs := run(t, "--json", "list", "--data", t.TempDir())
	var got struct{ Error failure }
	if err := json.Unmarshal([]byte(errs), &got); err != nil {
		t.Fatalf("%v in %q", err, errs)
	}
	if code != exitFailed || got.Error.Code != exitFailed || got.Error.Message == "" || got.Error.Hint == "" {
		t.Errorf("exit code %d, %+v", code, got)
	}
}

func TestEveryExitCodeIsInTheHelp(t *testing.T) {
	t.Parallel()
	code, out, _ := run(t, "help")
	if code != exitOK {
		t.Fatalf("exit code %d", code)
	}
	for _, e := range exitCodes {
		if !strings.Contains(out, fmt.Sprintf("  %-4d %s", e.code, e.meaning)) {
			t.Errorf("exit code %d is missing in %s", e.code, out)
		}
	}
}
