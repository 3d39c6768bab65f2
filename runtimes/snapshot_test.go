package runtimes_test

import (
	"crypto/rand"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/gvisor"
)

// Functions of which copies are made. Each answers with what must differ between copies, and what must be the same.
const (
	pythonCopy = `
import os, random, secrets, ssl, tempfile, uuid
from snapshot_restore_py import register_after_restore
SAME = os.urandom(8).hex()
random.random(), ssl.RAND_bytes(1), uuid.uuid1(), next(tempfile._get_candidate_names())
HOOK = []
register_after_restore(lambda: HOOK.append(random.random()))
def handler(event, context):
    return {"same": SAME, "colour": os.environ["COLOUR"], "differ": [
        HOOK[0], random.random(), ssl.RAND_bytes(8).hex(), str(uuid.uuid1()), str(uuid.uuid4()), secrets.token_hex(),
        os.urandom(8).hex(), next(tempfile._get_candidate_names())]}
`
	customCopy = `#!/bin/bash
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
same=$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
curl -sS -o /dev/null $api/restore/next
while :; do
  id=$(curl -sS -D - -o /dev/null $api/invocation/next | tr -d '\r' | sed -n 's/^Lambda-Runtime-Aws-Request-Id: //p')
  differ=$(head -c 8 /dev/urandom | od -An -tx1 | tr -d ' \n')
  curl -sS -o /dev/null -d "{\"same\":\"$same\",\"colour\":\"$COLOUR\",\"differ\":[\"$differ\"]}" $api/invocation/$id/response
done
`
)

// TestCopiesInsideGvisor checkpoints a function that is initialised and restores copies of it: all go on, and none
// repeats what another does.
func TestCopiesInsideGvisor(t *testing.T) {
	testenv.NeedsRoot(t)
	c := open(t, options{agent: helperbin.Agent(t)})
	engine, err := gvisor.New(gvisor.Options{
		StateDir: filepath.Join(t.TempDir(), "gvisor"), SentryPath: helperbin.Sentry(t),
		CgroupName: fmt.Sprintf("thaw-test-copies-%d", os.Getpid()),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	if !engine.Capabilities().Snapshot {
		t.Fatal("the engine makes no snapshots")
	}
	for _, tt := range []struct {
		family         lambda.Family
		file, text     string
		colour         string // after the restore
		copies, differ int
	}{
		{lambda.FamilyPython, "app.py", pythonCopy, "red", 3, 8},
		{lambda.FamilyProvided, "bootstrap", customCopy, "blue", 2, 1}, // a process that speaks HTTP keeps its variables
	} {
		t.Run("family="+string(tt.family), func(t *testing.T) {
			img, err := c.Ensure(t.Context(), installed(t, c, tt.family)[0].Name)
			if err != nil {
				t.Fatal(err)
			}
			task := packageImage(t, tt.file, tt.text)
			deadline := time.Now().Add(time.Minute)
			original := createCopy(t, engine, img, task, "original-"+string(tt.family))
			if err := original.Start(t.Context()); err != nil {
				t.Fatal(err)
			}
			s, err := link.Open(t.Context(), original.Link().Control, original.Link().Data)
			if err != nil {
				t.Fatal(err)
			}
			defer s.Close()
			initFunction(t, s, img, deadline)
			if err := s.PrepareSnapshot(deadline); err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			if err := original.Checkpoint(t.Context(), dir); err != nil {
				t.Fatal(err)
			}
			sessions := []*link.Session{s}
			for n := range tt.copies {
				box := createCopy(t, engine, img, task, fmt.Sprintf("copy-%s-%d", tt.family, n))
				if err := box.Restore(t.Context(), dir); err != nil {
					t.Fatal(err)
				}
				s, err := link.Reopen(t.Context(), box.Link().Control, box.Link().Data, nil)
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				sessions = append(sessions, s)
			}
			seen := map[string]bool{}
			same := ""
			for n, s := range sessions {
				r := link.Restoration{Env: map[string]string{"COLOUR": "red"}, Entropy: make([]byte, 32)}
				_, _ = rand.Read(r.Entropy)
				if err := s.Restored(r, deadline); err != nil {
					t.Fatalf("session %d: %v", n, err)
				}
				ev := &link.Event{EventMeta: link.EventMeta{ID: "id", ARN: "arn", DeadlineMS: deadline.UnixMilli()}, Payload: []byte("{}")}
				reply, err := s.Invoke(ev, deadline, lambda.MaxResponseBytes)
				if err != nil || reply.Failed {
					t.Fatalf("session %d: %s, %v", n, reply.Payload, err)
				}
				var got struct {
					Same, Colour string
					Differ       []any
				}
				if err := json.Unmarshal(reply.Payload, &got); err != nil {
					t.Fatalf("%v in %s", err, reply.Payload)
				}
				if same == "" {
					same = got.Same
				}
				if got.Same == "" || got.Same != same || got.Colour != tt.colour || len(got.Differ) != tt.differ {
					t.Errorf("session %d is no copy of the first: %s", n, reply.Payload)
				}
				for at, v := range got.Differ {
					if key := fmt.Sprint(at, v); seen[key] {
						t.Errorf("session %d repeats number %d: %v", n, at, v)
					} else {
						seen[key] = true
					}
				}
			}
		})
	}
}

// createCopy creates a sandbox with the function's image, which ends with the test.
func createCopy(t *testing.T, engine sandbox.Engine, img runtimes.Image, task, id string) sandbox.Sandbox {
	t.Helper()
	box, err := engine.Create(t.Context(), sandbox.Spec{
		ID: id, Root: img.Path, Args: []string{runtimes.AgentPath}, Mounts: []string{runtimes.TaskRoot},
		Limits: sandbox.Limits{MemoryBytes: 512 << 20},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := box.Destroy(); err != nil {
			t.Error(err)
		}
	})
	if err := box.Attach(t.Context(), task, runtimes.TaskRoot); err != nil {
		t.Fatal(err)
	}
	return box
}

// initFunction starts the runtime, from the beginning with its function, and waits for the end of init.
func initFunction(t *testing.T, s *link.Session, img runtimes.Image, deadline time.Time) {
	t.Helper()
	env := img.Env()
	env["AWS_LAMBDA_INITIALIZATION_TYPE"], env["AWS_LAMBDA_RUNTIME_API"], env["COLOUR"] = "snap-start", "127.0.0.1:9001", "blue"
	start := link.StartRequest{
		Kind: img.Kind(), Argv: img.Argv(), Dir: runtimes.TaskRoot, UID: runtimes.UserID, GID: runtimes.GroupID, TmpBytes: 512 << 20,
	}
	for k, v := range env {
		start.Env = append(start.Env, k+"="+v)
	}
	err := s.Start(start)
	if err == nil && img.Kind() == link.KindFrames {
		err = s.Specialise(link.Specialisation{Handler: "app.handler", TaskRoot: runtimes.TaskRoot, Env: env}, deadline)
	}
	if err == nil {
		err = s.AwaitReady(deadline)
	}
	if err != nil {
		t.Fatal(err)
	}
}
