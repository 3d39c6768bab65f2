package accounts_test

import (
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"strconv"
	"syscall"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/internal/helperbin"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/mapping"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/ops"
	"thaw.dev/thaw/store"
)

// newMapping makes an event source mapping in a server's directory before that starts: a server in which nothing polls makes
// none. It returns the mapping's id.
func newMapping(t *testing.T, data, account string) string {
	t.Helper()
	st, err := store.Open(t.Context(), store.Options{Dir: data + "/store"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	}()
	source := "arn:aws:sqs:us-east-1:" + account + ":q"
	m, err := mapping.New(mapping.NewStore(st.Records()), polled{}).Create(t.Context(), account,
		mapping.Mapping{Function: "f", Settings: mapping.Settings{EventSourceArn: &source}, Disabled: true})
	if err != nil {
		t.Fatal(err)
	}
	return m.ID
}

// polled makes mappings of every kind possible.
type polled struct{}

func (polled) Polls(mapping.Kind) bool { return true }

// start starts thaw serve on a directory, without sandboxes, and returns its endpoint. The server ends with the test.
func start(t *testing.T, thaw, data string) string {
	t.Helper()
	cmd := exec.Command(thaw, "serve", "--json", "--engine", "fake", "--listen", "127.0.0.1:0", "--data", data) //nolint:gosec,noctx // ended below
	log := &thawtest.Log{}
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil || t.Failed() {
			t.Logf("the server ended: %v\n%s", err, log.Tail(40))
		}
	})
	var announced node.Announcement
	if err := json.NewDecoder(out).Decode(&announced); err != nil {
		t.Fatalf("the server does not serve: %v\n%s", err, log.Tail(40))
	}
	return announced.Endpoint
}

// newTenant makes an account with thaw account create.
func newTenant(t *testing.T, thaw, data, endpoint, account string) *tenant {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), thaw, "account", "create", "--id", account, "--json", "--data", data) //nolint:gosec // our program
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var made ops.Created
	if err := json.Unmarshal(out, &made); err != nil {
		t.Fatal(err)
	}
	a := &tenant{
		Caller:  thawtest.Caller{Options: client.Options{Endpoint: endpoint, AccessKey: made.Key.ID, SecretKey: made.Key.Secret}},
		account: account,
		known: map[string]string{
			"account": account,
			"arn":     "arn:aws:lambda:us-east-1:" + account + ":function:f",
			"group":   "arn:aws:logs:us-east-1:" + account + ":log-group:g",
			"now":     strconv.FormatInt(time.Now().UnixMilli(), 10),
		},
	}
	for name, content := range map[string]string{"zip1": "one", "zip2": "two"} {
		a.known[name] = base64.StdEncoding.EncodeToString(thawtest.Zip(t, thawtest.Files{"bootstrap*": "#!/bin/" + content + account}))
	}
	return a
}

// program is the real thaw.
func program(t *testing.T) string {
	t.Helper()
	if err := embedded.Complete(); err != nil {
		if os.Getenv("THAW_TEST_REQUIRE") == "all" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return helperbin.Build(t, "thaw.dev/thaw/cmd/thaw")
}
