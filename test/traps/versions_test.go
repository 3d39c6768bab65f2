package traps_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
)

// publish publishes a version and waits until it is active.
func publish(t *testing.T, name string) string {
	t.Helper()
	c, err := server(t).PublishVersion(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	await(t, "the version is active", func() bool {
		return strings.Contains(server(t).Do(t, "GET", functions+"/"+name+"/configuration?Qualifier="+c.Version, "").Body, `"State":"Active"`)
	})
	return c.Version
}

// change makes the next version differ.
func change(t *testing.T, name string, seconds int) {
	t.Helper()
	s := server(t)
	if _, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{Timeout: &seconds}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(t.Context(), name); err != nil {
		t.Fatal(err)
	}
}

func TestAliasesAndVersions(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, "def handler(e, c):\n    return c.function_version\n")
	if first, again := publish(t, name), publish(t, name); first != "1" || again != "1" {
		t.Errorf("published without a change: %s, %s", first, again)
	}
	change(t, name, 11)
	if second := publish(t, name); second != "2" {
		t.Errorf("published %s", second)
	}
	if a := s.Do(t, "POST", functions+"/"+name+"/aliases", `{"Name":"live","FunctionVersion":"1","RoutingConfig":{"AdditionalVersionWeights":{"2":0.5}}}`); a.Status != 201 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	versions := map[string]int{}
	for len(versions) < 2 {
		out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Qualifier: "live"})
		if err != nil || string(out.Payload) != `"`+out.ExecutedVersion+`"` {
			t.Fatalf("executed version %s, the function says %s, %v", out.ExecutedVersion, out.Payload, err)
		}
		if versions[out.ExecutedVersion]++; versions[out.ExecutedVersion] == 60 {
			t.Fatalf("weights are ignored: %v", versions)
		}
	}
	if versions["1"] == 0 || versions["2"] == 0 {
		t.Errorf("executed versions %v", versions)
	}
	fails(t, s.Do(t, "DELETE", functions+"/"+name+"?Qualifier=2", ""), 409, "ResourceConflictException", `{"Type":"User","message":"`)
	if a := s.Do(t, "DELETE", functions+"/"+name+"/aliases/live", ""); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	if a := s.Do(t, "DELETE", functions+"/"+name+"?Qualifier=2", ""); a.Status != 204 {
		t.Fatalf("%d %s", a.Status, a.Body)
	}
	change(t, name, 12)
	if third := publish(t, name); third != "3" {
		t.Errorf("published %s after 2 was deleted: a number is used once", third)
	}
}

func TestProvisioned(t *testing.T) {
	t.Parallel()
	s := server(t)
	name := python(t, `
import os, time
print("init as", os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"], flush=True)
def handler(e, c):
    time.sleep(e.get("hold", 0))
    return os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]
`)
	publish(t, name)
	target := "/2019-09-30/functions/" + name + "/provisioned-concurrency?Qualifier=1"
	put := func(n int) {
		t.Helper()
		var p api.ProvisionedConcurrency
		s.Do(t, "PUT", target, fmt.Sprintf(`{"ProvisionedConcurrentExecutions":%d}`, n)).Decode(t, 202, &p)
		if p.Status != "IN_PROGRESS" || p.RequestedProvisionedConcurrentExecutions != n {
			t.Errorf("%+v", p)
		}
	}
	ready := func(n int) {
		t.Helper()
		await(t, "the provisioned concurrency is ready", func() bool {
			var p api.ProvisionedConcurrency
			s.Do(t, "GET", target, "").Decode(t, 200, &p)
			return p.Status == "READY" && p.AllocatedProvisionedConcurrentExecutions == n
		})
	}
	put(1)
	ready(1)
	// Init ran, and nobody has called.
	for _, e := range logLines(t, name, 1) {
		if strings.HasPrefix(e.Message, "START") {
			t.Errorf("an invocation: %s", e.Message)
		}
	}
	answers := make(chan string)
	for range 2 {
		go func() { // ends with its answer
			out, err := s.Invoke(t.Context(), client.InvokeInput{Function: name, Qualifier: "1", Payload: []byte(`{"hold":2}`)})
			answers <- fmt.Sprint(string(out.Payload), err)
		}()
	}
	got := map[string]bool{<-answers: true, <-answers: true}
	if !got[`"provisioned-concurrency"<nil>`] || !got[`"on-demand"<nil>`] {
		t.Errorf("of two at once one spills over: %v", got)
	}
	put(2) // while there is one
	ready(2)
	put(1)
	ready(1)
	fails(t, s.Do(t, "PUT", strings.TrimSuffix(target, "1")+"%24LATEST", `{"ProvisionedConcurrentExecutions":1}`), 400, "InvalidParameterValueException", `{"Type":"User","message":"`)
}

func TestZip(t *testing.T) {
	t.Parallel()
	s := server(t)
	var out bytes.Buffer
	w := zip.NewWriter(&out)
	w.SetComment("as it was sent")
	for _, f := range []struct {
		name, content string
		mode          os.FileMode
	}{
		{"tool", "#!/bin/sh\necho ran\n", 0o755}, {"link", "tool", os.ModeSymlink | 0o777}, {"plain", "x", 0o600},
		{"app.py", `
import os, stat, subprocess
def handler(e, c):
    return [subprocess.check_output(["./tool"]).decode(), subprocess.check_output(["./link"]).decode(), os.readlink("link"),
            oct(stat.S_IMODE(os.stat("tool").st_mode)), os.access("plain", os.X_OK)]
`, 0o644},
	} {
		h := &zip.FileHeader{Name: f.name}
		h.SetMode(f.mode)
		into, err := w.CreateHeader(h)
		if err == nil {
			_, err = io.WriteString(into, f.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out.Bytes())
	hash := base64.StdEncoding.EncodeToString(sum[:])
	c, err := s.CreateFunction(t.Context(), client.CreateFunctionInput{
		FunctionName: "zip", Runtime: thawtest.Python(t), Handler: "app.handler", Role: thawtest.Role, Timeout: 10, Code: client.CodeInput{ZipFile: out.Bytes()},
	})
	if err != nil || c.CodeSha256 != hash || c.CodeSize != int64(out.Len()) {
		t.Fatalf("CodeSha256 %s, CodeSize %d, want %s, %d: %v", c.CodeSha256, c.CodeSize, hash, out.Len(), err)
	}
	if _, err := s.WaitActive(t.Context(), "zip"); err != nil {
		t.Fatal(err)
	}
	if got, want := string(s.Call(t, "zip", `{}`).Payload), `["ran\n", "ran\n", "tool", "0o755", false]`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
	f, err := s.GetFunction(t.Context(), "zip")
	if err != nil || f.Configuration.CodeSha256 != hash || f.Code.RepositoryType != "S3" {
		t.Fatalf("%+v %v", f, err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, f.Code.Location, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	defer http.DefaultClient.CloseIdleConnections()
	if b, err := io.ReadAll(resp.Body); err != nil || !bytes.Equal(b, out.Bytes()) {
		t.Errorf("the download differs from what was sent: %d bytes, %v", len(b), err)
	}
}

func TestLayersAndLineage(t *testing.T) {
	t.Parallel()
	s := server(t)
	first := s.Layer(t, "below", thawtest.Files{"python/who.py": "name = 'below'\n", "python/only.py": "name = 'only below'\n"})
	second := s.Layer(t, "above", thawtest.Files{"python/who.py": "name = 'above'\n"})
	name := python(t, "import os, only, who\ndef handler(e, c):\n    return [who.name, only.name, os.environ['_X_AMZN_TRACE_ID']]\n",
		func(fn *thawtest.Function) { fn.Layers = []string{first, second} })
	if err := s.DeleteLayerVersion(t.Context(), "above", 1); err != nil {
		t.Fatal(err)
	}
	const trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	var got []string
	a := s.Do(t, "POST", functions+"/"+name+"/invocations", `{}`, "X-Amzn-Trace-Id: "+trace+";Lineage=1:a87bd80c:2")
	a.Decode(t, 200, &got)
	if len(got) != 3 || got[0] != "above" || got[1] != "only below" || !strings.HasPrefix(got[2], "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=") || !strings.Contains(got[2], "Lineage=") {
		t.Errorf("got %q", got)
	}
	// A layer of another account that does not let this one have it, and two versions of one layer.
	for _, layers := range []string{`"arn:aws:lambda:us-east-1:111111111111:layer:theirs:1"`, `"` + first + `","` + first + `"`, `"arn:aws:lambda:eu-west-1:000000000000:layer:below:1"`} {
		if a := s.Do(t, "PUT", functions+"/"+name+"/configuration", `{"Layers":[`+layers+`]}`); a.Status < 400 || a.Status > 499 {
			t.Errorf("%s: %d %s", layers, a.Status, a.Body)
		}
	}
}
