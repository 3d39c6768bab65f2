package agent_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/link"
)

// extension is a program in /opt/extensions, in shell: ext is the API's base, name its own. It has registered for events
// and asks for the next with: next. What comes is in $event.
func extension(events, script string) string {
	return `#!/bin/sh
ext=http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension
name=$(basename $0)
id=$(curl -sS -D - -o /tmp/$name.registered -H "Lambda-Extension-Name: $name" -H 'Lambda-Extension-Accept-Feature: accountId' \
  -d '{"events":[` + events + `]}' $ext/register | tr -d '\r' | sed -n 's/^Lambda-Extension-Identifier: //p')
next() { event=$(curl -sS -H "Lambda-Extension-Identifier: $id" $ext/event/next); }
` + script
}

const both = `"INVOKE","SHUTDOWN"`

// extend starts the external extensions as the host does.
func extend(t testing.TB, s *link.Session) error {
	t.Helper()
	s.Describe(link.Description{Function: "f", Version: "7", Handler: "a.b", Account: "123456789012", Zone: "use1-az1", Token: "secret"})
	return s.Extend(link.ExtendRequest{Env: environment, UID: uid, GID: gid, TmpBytes: 64 << 20}, soon())
}

func mustExtend(t testing.TB, s *link.Session) {
	t.Helper()
	if err := extend(t, s); err != nil {
		t.Fatal(err)
	}
}

// TestExtensions takes an environment with an external extension through its whole life.
func TestExtensions(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t, optFile("ext", extension(both, `
echo "registered $(cat /tmp/$name.registered) as $(id -u) in $(pwd) with ${AWS_LAMBDA_RUNTIME_API:-nothing}"
trap '' TERM
while next; do
  echo "event $event"
  case $event in *SHUTDOWN*) echo bye; exit 0;; esac
done`)))
	s := b.session()
	mustExtend(t, s)
	startReady(t, s, shell(link.KindHTTP, loop))
	all := s.Extensions()
	if len(all) != 1 || all[0].Name != "ext" || !all[0].External || strings.Join(all[0].Events, " ") != "INVOKE SHUTDOWN" {
		t.Errorf("extensions %+v", all)
	}
	b.awaitLog(`registered {"functionName":"f","functionVersion":"7","handler":"a.b","accountId":"123456789012"} as 993 in / with 127.0.0.1:9001`)
	for range 2 {
		ev := event("1")
		ev.TraceID = "Root=1-2-3"
		if r := invoke(t, s, ev); r.Failed {
			t.Errorf("reply %+v", r.ReplyMeta)
		}
		idle(t, s)
		b.awaitLog(`"requestId":"` + ev.ID + `","invokedFunctionArn":"arn:f","tracing":{"type":"X-Amzn-Trace-Id","value":"Root=1-2-3"}}`)
	}
	for _, reason := range []link.ShutdownReason{link.ReasonTimeout, link.ReasonSpindown} {
		if err := s.Shutdown(reason); err != nil {
			t.Fatal(err)
		}
		b.awaitLog(`"shutdownReason":"` + string(reason) + `"}` + "\nbye\n")
		reset(t, s)
		if len(s.Extensions()) != 0 {
			t.Error("extensions are left after a reset")
		}
		mustExtend(t, s)
		startReady(t, s, shell(link.KindHTTP, loop))
	}
}

// TestInvokeEndsWithTheExtension: the caller gets the answer at once, the environment is free when the extension is.
func TestInvokeEndsWithTheExtension(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t, optFile("slow", extension(`"INVOKE"`, `
while next; do
  until [ -e /tmp/go ]; do sleep 0.02; done
done`)))
	s := b.session()
	mustExtend(t, s)
	startReady(t, s, shell(link.KindHTTP, `
while :; do
  id=$(curl -sS -D - -o /tmp/body $api/invocation/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  case $(cat /tmp/body) in *go*) touch /tmp/go;; esac
  curl -sS -d 1 -o /dev/null $api/invocation/$id/response
done`))
	if r := invoke(t, s, event(`"wait"`)); r.Idle {
		t.Error("idle although the extension works")
	}
	if err := s.AwaitIdle(time.Now().Add(300 * time.Millisecond)); !errors.Is(err, link.ErrTimeout) {
		t.Errorf("await idle: %v", err)
	}
	reset(t, s)
	mustExtend(t, s)
	startReady(t, s, shell(link.KindHTTP, strings.Replace(loop, "while :;", "touch /tmp/go; while :;", 1)))
	invoke(t, s, event("1"))
	idle(t, s)
}

// TestExtensionFailures: each way an extension can fail has its type.
func TestExtensionFailures(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	say := func(what string) string {
		return `curl -sS -o /dev/null -d '{}' -H "Lambda-Extension-Identifier: $id" -H 'Lambda-Extension-Function-Error-Type: Mine.Error' $ext/` + what
	}
	for name, c := range map[string]struct{ file, errorType, message string }{
		"crash":           {extension(both, "exit 3"), link.ExtensionCrash, "exit status 3"},
		"killed":          {extension(both, "next & sleep 0.1; kill -9 $$"), link.ExtensionCrash, "signal: killed"},
		"init error":      {extension(both, say("init/error")), link.ExtensionInitError, "Mine.Error"},
		"exit error":      {extension(both, "next; "+say("exit/error")+"; sleep 100"), link.ExtensionExitError, "Mine.Error"},
		"no program":      {"\x00\x01", link.ExtensionLaunchError, "exec format error"},
		"not executable":  {"", link.ExtensionLaunchError, "permission denied"},
		"never registers": {"#!/bin/sh\nexit 0\n", link.ExtensionCrash, "exit status 0"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newBox(t, optFile("ext", c.file)).session()
			err := extend(t, s)
			if err == nil {
				start(t, s, shell(link.KindHTTP, loop))
				err = s.AwaitReady(soon())
			}
			if err == nil {
				_, err = s.Invoke(event("1"), soon(), 1<<20)
			}
			if err == nil {
				err = s.AwaitIdle(soon())
			}
			e, ok := errors.AsType[*link.ExtensionError](err)
			if !ok || e.Name != "ext" || e.Type != c.errorType || !strings.Contains(e.Message, c.message) {
				t.Fatalf("got %v, want %s: %s", err, c.errorType, c.message)
			}
			if err := s.Shutdown(link.ReasonFailure); err != nil {
				t.Error(err)
			}
			reset(t, s)
			if s.Ended() != nil {
				t.Errorf("after a reset: %v", s.Ended())
			}
		})
	}
}

// TestShutdownIsBounded: what does not end is killed at the deadline, which is not waited for where there is nothing to
// wait for.
func TestShutdownIsBounded(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	stubborn := shell(link.KindHTTP, "trap 'echo got TERM' TERM\ncurl -sS $api/invocation/next &\nwhile :; do wait; done")
	shutdown := func(s *link.Session) time.Duration {
		t.Helper()
		begin := time.Now()
		if err := s.Shutdown(link.ReasonSpindown); err != nil {
			t.Fatal(err)
		}
		return time.Since(begin)
	}
	t.Run("external that stays", func(t *testing.T) {
		t.Parallel()
		s := newBox(t, optFile("ext", extension(both, "trap '' TERM\nwhile :; do next; done"))).session()
		mustExtend(t, s)
		startReady(t, s, shell(link.KindHTTP, loop))
		if took := shutdown(s); took < 1900*time.Millisecond || took > 10*time.Second {
			t.Errorf("took %s", took)
		}
		reset(t, s)
	})
	t.Run("external without SHUTDOWN", func(t *testing.T) {
		t.Parallel()
		s := newBox(t, optFile("ext", extension(`"INVOKE"`, "trap '' TERM\nwhile :; do next; done"))).session()
		mustExtend(t, s)
		startReady(t, s, shell(link.KindHTTP, loop))
		if took := shutdown(s); took > 1900*time.Millisecond {
			t.Errorf("took %s", took)
		}
		reset(t, s)
	})
	t.Run("internal", func(t *testing.T) {
		t.Parallel()
		b := newBox(t)
		s := b.session()
		s.Describe(link.Description{Function: "f"})
		internal := stubborn
		internal.Argv = append([]string{}, stubborn.Argv...)
		internal.Argv[2] = strings.TrimPrefix(extension("", "next &\n"), "#!/bin/sh\n") + internal.Argv[2]
		startReady(t, s, internal)
		if all := s.Extensions(); len(all) != 1 || all[0].External || len(all[0].Events) != 0 {
			t.Errorf("extensions %+v", all)
		}
		if took := shutdown(s); took < 400*time.Millisecond || took > 1900*time.Millisecond {
			t.Errorf("took %s", took)
		}
		b.awaitLog("got TERM")
		reset(t, s)
	})
	t.Run("none", func(t *testing.T) {
		t.Parallel()
		s := newBox(t).session()
		startReady(t, s, stubborn)
		if took := shutdown(s); took > 400*time.Millisecond {
			t.Errorf("took %s", took)
		}
	})
}

// TestRegistrationCloses: after init nobody can register, and a bundled runtime has no Runtime API.
func TestRegistrationCloses(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	s.Describe(link.Description{Function: "f"})
	startReady(t, s, shell(link.KindHTTP, `
id=$(curl -sS -D - -o /dev/null $api/invocation/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
curl -sS -H 'Lambda-Extension-Name: late' -d '{}' http://$AWS_LAMBDA_RUNTIME_API/2020-01-01/extension/register |
  curl -sS --data-binary @- -o /dev/null $api/invocation/$id/response
sleep 1000`))
	r := invoke(t, s, event("1"))
	if !strings.Contains(string(r.Payload), `"errorType":"Extension.RegistrationClosed"`) {
		t.Errorf("got %s", r.Payload)
	}
	reset(t, s)
	start(t, s, shell(link.KindFrames, `curl -sS $api/invocation/next; echo; sleep 1000`))
	b.awaitLog(`"errorType":"InvalidStateTransition"`)
}

func TestMetadata(t *testing.T) {
	t.Parallel()
	testenv.NeedsCommand(t, "curl")
	b := newBox(t)
	s := b.session()
	s.Describe(link.Description{Function: "f", Zone: "use1-az1", Token: "secret"})
	start(t, s, shell(link.KindFrames, `
url=http://$AWS_LAMBDA_RUNTIME_API/2026-01-15/metadata/execution-environment
ask() { curl -sS -D - -w '\n' "$@" $url | tr -d '\r' | tr '\n' ' '; echo; }
ask -H 'Authorization: Bearer secret'; ask -H 'Authorization: Bearer wrong'; ask; ask -X POST; echo asked; sleep 1000`))
	logs := b.awaitLog("asked\n")
	lines := strings.Split(logs, "\n")
	for i, want := range [][]string{
		{"HTTP/1.1 200 OK", `{"AvailabilityZoneID":"use1-az1"}`, "Cache-Control: private, max-age=43200, immutable", "Content-Type: application/json"},
		{"HTTP/1.1 401 "}, {"HTTP/1.1 401 "}, {"HTTP/1.1 405 "},
	} {
		for _, w := range want {
			if !strings.Contains(lines[i], w) {
				t.Errorf("no %q in %q", w, lines[i])
			}
		}
	}
}
