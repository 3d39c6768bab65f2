package history_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

// stages are the directories in testdata, the oldest first.
var stages = []string{"03-slots", "04-contract"}

func TestEveryDirectoryIsTested(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/*.tar.gz")
	if err != nil || len(files) != len(stages) {
		t.Errorf("%d directories in testdata and %d stages, %v", len(files), len(stages), err)
	}
}

// What every stage left: the function old with the versions 1 and 2, the alias live for both, tags, a variable, reserved
// concurrency, and the logs of three invocations.
func TestDataDirectoriesOfEarlierStages(t *testing.T) {
	for _, stage := range stages {
		t.Run(stage, func(t *testing.T) {
			begin := time.Now()
			s := thawtest.Start(t, func(c *node.Config) {
				c.HotSlots, c.EmptySlots = 0, 0
				unpack(t, stage, c.DataDir)
			})
			fn, err := s.GetFunctionConfiguration(t.Context(), "old")
			if err != nil {
				t.Fatal(err)
			}
			if fn.Description != "from "+stage || fn.MemorySize != 256 || fn.Timeout != 7 || fn.State != "Active" {
				t.Errorf("configuration: %+v", fn)
			}
			for qualifier, code := range map[string]string{"": "latest", "1": "one", "2": "two"} {
				runs(t, s, qualifier, code)
			}
			if code := runs(t, s, "live", ""); code != "one" && code != "two" {
				t.Errorf("the alias ran code %q", code)
			}
			if stage > "04" {
				wantContract(t, s)
			}
			for _, said := range []string{"said by one", "said by two", "said by latest"} {
				page, err := s.FilterLogEvents(t.Context(), client.FilterLogEventsInput{
					LogGroupName: "/aws/lambda/old", FilterPattern: `"` + said + `"`, End: begin,
				})
				if err != nil || len(page.Events) == 0 {
					t.Errorf("%d events with %q, %v", len(page.Events), said, err)
				}
			}
		})
	}
}

// wantContract looks for what the stages from 04 on left besides.
func wantContract(t *testing.T, s *thawtest.Server) {
	t.Helper()
	for target, want := range map[string]string{
		"/2015-03-31/functions/old/configuration":                             `"Arn":"arn:aws:lambda:us-east-1:000000000000:layer:shared:1"`,
		"/2018-10-31/layers/shared/versions/1":                                `"Version":1`,
		"/2015-03-31/functions/old/policy":                                    `111111111111`,
		"/2021-10-31/functions/old/url":                                       `"AuthType":"AWS_IAM"`,
		"/2019-09-25/functions/old/event-invoke-config":                       `"MaximumRetryAttempts":1`,
		"/2019-09-30/functions/old/concurrency":                               `"ReservedConcurrentExecutions":5`,
		"/2015-03-31/functions/old/aliases/live":                              `"AdditionalVersionWeights":{"2":0.25}`,
		"/2017-03-31/tags/arn:aws:lambda:us-east-1:000000000000:function:old": `"team":"ice"`,
	} {
		if a := s.Do(t, "GET", target, ""); a.Status != 200 || !strings.Contains(a.Body, want) {
			t.Errorf("%s: %d %s, want %s", target, a.Status, a.Body, want)
		}
	}
}

// runs invokes the function and returns which code ran, which must be code unless that is "".
func runs(t *testing.T, s *thawtest.Server, qualifier, code string) string {
	t.Helper()
	out, err := s.Invoke(t.Context(), client.InvokeInput{Function: "old", Qualifier: qualifier, Payload: []byte(`{"n":1}`)})
	if err != nil {
		t.Fatalf("invoke %q: %v", qualifier, err)
	}
	var answer struct {
		Code  string
		Event map[string]int
	}
	if err := json.Unmarshal(out.Payload, &answer); err != nil || out.FunctionError != "" || answer.Event["n"] != 1 {
		t.Fatalf("invoke %q: %s, %s, %v", qualifier, out.FunctionError, out.Payload, err)
	}
	if code != "" && answer.Code != code {
		t.Errorf("qualifier %q ran %q, want %q", qualifier, answer.Code, code)
	}
	return answer.Code
}

// unpack puts a stage's data directory at dir.
func unpack(t *testing.T, stage, dir string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o711); err != nil { //nolint:gosec // user nobody must be able to pass through
		t.Fatal(err)
	}
	tar := testenv.NeedsCommand(t, "tar")
	archive := filepath.Join("testdata", stage+".tar.gz")
	if out, err := exec.CommandContext(t.Context(), tar, "-xzf", archive, "-C", dir).CombinedOutput(); err != nil { //nolint:gosec // a file of this package
		t.Fatalf("%v: %s", err, strings.TrimSpace(string(out)))
	}
}
