package slots_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// publish turns SnapStart on and publishes a version, which it returns when it is no longer pending.
func publish(t *testing.T, s *thawtest.Server, name string, snapStart bool) client.FunctionConfiguration {
	t.Helper()
	if snapStart {
		in := client.UpdateFunctionConfigurationInput{SnapStart: &client.SnapStart{ApplyOn: "PublishedVersions"}}
		if _, err := s.UpdateFunctionConfiguration(t.Context(), name, in); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WaitActive(t.Context(), name); err != nil {
			t.Fatal(err)
		}
	}
	v, err := s.PublishVersion(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(s.Allow(patience)); v.State == "Pending"; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("version %s stays Pending", v.Version)
		}
		if v, err = s.GetFunctionConfiguration(t.Context(), name+":"+v.Version); err != nil {
			t.Fatal(err)
		}
	}
	return v
}

func TestSnapStartRunsTheHooks(t *testing.T) {
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import os, time
from snapshot_restore_py import register_after_restore, register_before_snapshot
said = []
register_before_snapshot(said.append, "before")
register_after_restore(said.append, "after")
kind = os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
def handler(e, c):
    time.sleep(e.get("hold", 0))
    return [said, kind, os.environ["AWS_LAMBDA_FUNCTION_VERSION"], c.function_version]
`}})
	v := publish(t, s, name, true)
	if v.State != "Active" || v.SnapStart.OptimizationStatus != "On" {
		t.Fatalf("%+v", v)
	}
	if out := s.Call(t, name+":1", `{}`); string(out.Payload) != `[["before", "after"], "snap-start", "1", "1"]` {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	} else if log := string(out.LogTail); !strings.Contains(log, "Restore Duration: ") || strings.Contains(log, "Init Duration") {
		t.Errorf("the report says:\n%s", log)
	}
	if out := s.Call(t, name, `{}`); string(out.Payload) != `[[], "on-demand", "$LATEST", "$LATEST"]` {
		t.Errorf("$LATEST: %s", out.Payload)
	}
	es := environments(s.Status(), name)
	if len(es) != 2 || es[1].Version != "1" || es[1].Source != pool.SourceSnapshot {
		t.Errorf("%+v\n%s", es, s.Log.Tail(30))
	}
}

func TestSnapStartThatCannotBe(t *testing.T) {
	s := thawtest.Start(t, nil)
	t.Run("init fails", func(t *testing.T) {
		name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{
			"app.py": "raise ValueError('not today')\n"}})
		if v := publish(t, s, name, true); v.State != "Failed" || v.StateReason == "" || v.StateReasonCode == "" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("hook fails", func(t *testing.T) {
		name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{
			"app.py": "from snapshot_restore_py import register_before_snapshot\n@register_before_snapshot\ndef f():\n    raise ValueError('not today')\ndef handler(e, c):\n    return 1\n"}})
		if v := publish(t, s, name, true); v.State != "Failed" {
			t.Errorf("%+v", v)
		}
	})
	t.Run("a runtime that does not ask for restores", func(t *testing.T) {
		name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Files: thawtest.Files{"bootstrap*": customRuntime("")}})
		if v := publish(t, s, name, true); v.State != "Failed" || !strings.Contains(v.StateReason, "restore/next") {
			t.Errorf("%+v", v)
		}
	})
	t.Run("node", func(t *testing.T) {
		name := s.Deploy(t, hello(thawtest.Node(t)))
		_, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{SnapStart: &client.SnapStart{ApplyOn: "PublishedVersions"}})
		if err == nil || !strings.Contains(err.Error(), "SnapStart") {
			t.Errorf("%v", err)
		}
	})
}

// customRuntime is a runtime in sh and curl that answers how often it was told that it was restored.
func customRuntime(restore string) string {
	return `#!/bin/sh
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
restored=0
` + restore + `
while :; do
  id=$(curl -sD - -o /tmp/event $api/invocation/next | tr -d '\r' | sed -n 's/^[Ll]ambda-[Rr]untime-[Aa]ws-[Rr]equest-[Ii]d: //p')
  curl -s -o /dev/null -d $restored $api/invocation/$id/response
done
`
}

func TestSnapStartOfACustomRuntime(t *testing.T) {
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Files: thawtest.Files{"bootstrap*": customRuntime(`
if [ $AWS_LAMBDA_INITIALIZATION_TYPE = snap-start ]; then
  curl -s $api/restore/next && restored=1
fi`)}})
	if v := publish(t, s, name, true); v.State != "Active" {
		t.Fatalf("%+v", v)
	}
	if out := s.Call(t, name+":1", `{}`); string(out.Payload) != "1" {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	}
	if es := environments(s.Status(), name); len(es) != 1 || es[0].Source != pool.SourceSnapshot {
		t.Errorf("%+v\n%s", es, s.Log.Tail(30))
	}
}

// mainFile is the largest file of a snapshot, by engine.
var mainFile = map[string]string{"gvisor": "kernel", "microvm": "memory"}

func TestSnapStartWithoutItsSnapshotRunsTheHooksAllTheSame(t *testing.T) {
	s := thawtest.Start(t, nil)
	python := thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Env: map[string]string{"PYTHONUTF8": "1"}, Files: thawtest.Files{"app.py": `
from snapshot_restore_py import register_after_restore, register_before_snapshot
said = []
register_before_snapshot(said.append, "before")
register_after_restore(said.append, "after")
def handler(e, c):
    return said
`}}
	custom := thawtest.Function{Runtime: "provided.al2023", Handler: "x", Files: thawtest.Files{"bootstrap*": customRuntime(`
curl -s $api/restore/next && restored=1`)}}
	for want, fn := range map[string]thawtest.Function{`["before", "after"]`: python, "1": custom} {
		t.Run(fn.Runtime, func(t *testing.T) {
			name := s.Deploy(t, fn)
			if v := publish(t, s, name, true); v.State != "Active" {
				t.Fatalf("%+v", v)
			}
			files, err := filepath.Glob(filepath.Join(s.Dir, "snapshots", "*", mainFile[s.Status().Engine]))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, f := range files {
				if err := os.Truncate(f, 100); err != nil {
					t.Fatal(err)
				}
			}
			if out := s.Call(t, name+":1", `{}`); string(out.Payload) != want {
				t.Errorf("got %s\n%s", out.Payload, out.LogTail)
			}
			if es := environments(s.Status(), name); len(es) != 1 || es[0].Source == pool.SourceSnapshot {
				t.Errorf("%+v", es)
			}
		})
	}
}

func TestProvisionedConcurrencyIsInitialisedAhead(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.KeepAlive = 0 })
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import os, time
def handler(e, c):
    time.sleep(e.get("hold", 0))
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
`}})
	publish(t, s, name, false)
	if _, err := s.PutProvisionedConcurrency(t.Context(), name, "1", 2); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(s.Allow(patience)); ; time.Sleep(20 * time.Millisecond) {
		p, err := s.GetProvisionedConcurrency(t.Context(), name, "1")
		if err != nil {
			t.Fatal(err)
		}
		if p.Status == "READY" && p.AllocatedProvisionedConcurrentExecutions == 2 {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("%+v", p)
		}
	}
	answers := make(chan string)
	hold := fmt.Sprintf(`{"hold":%g}`, s.Allow(time.Second).Seconds()) // longer than a cold start
	const callers = 3
	for range callers {
		go func() { // ends with its answer
			var kind string
			s.Result(t, name+":1", hold, &kind)
			answers <- kind
		}()
	}
	kinds := map[string]int{}
	for range callers {
		kinds[<-answers]++
	}
	if kinds["provisioned-concurrency"] != 2 || kinds["on-demand"] != 1 {
		t.Errorf("got %v", kinds)
	}
	await(t, s, "the one that spilled over is gone, the others stay", func(st pool.Status) bool { return len(environments(st, name)) == 2 })
	if err := s.DeleteProvisionedConcurrency(t.Context(), name, "1"); err != nil {
		t.Fatal(err)
	}
	await(t, s, "they go", func(st pool.Status) bool { return len(environments(st, name)) == 0 })
}
