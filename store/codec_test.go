package store

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
)

var update = flag.Bool("update", false, "write the golden files of the current schema versions")

// Golden files are records as releases wrote them. A file is never changed once its release is out: a new schema
// version adds files.
func golden(t *testing.T, name string, current []byte) []byte {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update && current != nil {
		if err := os.WriteFile(path, append(current, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data[:len(data)-1]
}

func goldenFunction() Function {
	config := lambda.Config{
		Account: "000000000000", Name: "hello", Version: "$LATEST",
		Role: "arn:aws:iam::000000000000:role/r", Runtime: "python3.11", Handler: "app.handler",
		Description: "says <hello>", Timeout: 3, MemoryMB: 128, EphemeralMB: 512,
		Environment: map[string]string{"KEY": "välue"}, LogGroup: "/aws/lambda/hello",
		Code:       lambda.Code{SHA256: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", Size: 1234},
		RevisionID: "0d6b3c5e-4a63-4f5e-9f0a-7c1c8e1f2a3b", LastModified: time.Date(2026, 1, 31, 12, 34, 56, 789e6, time.UTC),
		State: lambda.StateActive, UpdateStatus: lambda.UpdateInProgress, UpdateReason: "r", UpdateReasonCode: "c",
	}
	config.Tracing, config.LogFormat, config.ApplicationLogLevel, config.SystemLogLevel = "Active", "JSON", "DEBUG", "WARN"
	config.DeadLetterTarget, config.Tenancy = "arn:aws:sqs:us-east-1:000000000000:dead", "PER_TENANT"
	config.Layers = []lambda.Layer{{ARN: "arn:aws:lambda:us-east-1:000000000000:layer:l:1", Code: lambda.Code{SHA256: "ab", Size: 7}}}
	serving := config
	serving.UpdateStatus, serving.UpdateReason, serving.UpdateReasonCode = lambda.UpdateSuccessful, "", ""
	serving.Environment = map[string]string{} // set to nothing, which is not the same as never set
	return Function{
		Config: config, Serving: &serving, Tags: map[string]string{"team": "a"}, Reserved: new(0), Lineage: "QX", LastVersion: 7,
		Aliases: []lambda.Alias{
			{Name: "live", Version: "6", Description: "what <all> use", Additional: "7", Weight: 0.05, RevisionID: "5c9d2f1e-77a5-4f0e-8a3b-0c1d2e3f4a5b"},
			{Name: "next", Version: "$LATEST", RevisionID: "8e1f0a2b-3c4d-4e5f-9a6b-7c8d9e0f1a2b"},
		},
		Qualified: map[string]lambda.Qualified{
			"": {EventInvoke: &lambda.EventInvoke{
				MaxRetries: new(0), MaxAge: new(60), OnSuccess: "arn:aws:sqs:us-east-1:000000000000:won",
				OnFailure: "arn:aws:sqs:us-east-1:000000000000:lost", Modified: time.Date(2026, 2, 1, 0, 0, 0, 1e6, time.UTC),
			}},
			"live": {
				Policy: &lambda.Policy{Document: `{"Version":"2012-10-17"}`, RevisionID: "b"},
				URL: &lambda.FunctionURL{
					ID: "u", AuthType: "NONE", InvokeMode: "RESPONSE_STREAM", Created: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
					Modified: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC),
					Cors: &lambda.Cors{
						AllowCredentials: true, AllowHeaders: []string{"a"}, AllowMethods: []string{"GET"}, AllowOrigins: []string{"*"},
						ExposeHeaders: []string{"b"}, MaxAge: 5,
					},
				},
				RuntimeManagement: &lambda.RuntimeManagement{UpdateOn: "Manual", RuntimeVersionARN: "arn:aws:lambda:us-east-1::runtime:0"},
			},
		},
		Recursion: "Allow", CodeSigning: "arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-1",
	}
}

// ofSchema3 is a function as release 3 knew it.
func ofSchema3(f Function) Function {
	f.Qualified, f.Recursion, f.CodeSigning = nil, "", ""
	f.Config = configOfSchema3(f.Config)
	if f.Serving != nil {
		f.Serving = new(configOfSchema3(*f.Serving))
	}
	return f
}

func configOfSchema3(c lambda.Config) lambda.Config {
	c.Tracing, c.LogFormat, c.ApplicationLogLevel, c.SystemLogLevel, c.DeadLetterTarget, c.Tenancy, c.Layers = "", "", "", "", "", "", nil
	return c
}

// ofSchema2 is a function as release 2 knew it, and ofSchema1 as release 1 did.
func ofSchema2(f Function) Function {
	f.Aliases = nil
	return ofSchema3(f)
}

func ofSchema1(f Function) Function {
	f.Reserved, f.Lineage, f.LastVersion = nil, "", 0
	return ofSchema2(f)
}

func goldenVersion() Version {
	config := goldenFunction().Config
	config.Version, config.Description, config.SnapStart, config.Optimized = "7", "the seventh", lambda.SnapStartPublishedVersions, true
	return Version{
		Config: config, Lineage: "QX", Replaced: new("says <hello>"),
		Provisioned: 3, ProvisionedAt: time.Date(2026, 2, 1, 0, 0, 0, 1e6, time.UTC), ProvisionedAlias: "live",
	}
}

func TestVersionGolden(t *testing.T) {
	t.Parallel()
	minimal := Version{Config: lambda.Config{Account: "000000000000", Name: "f", Version: "1"}, Lineage: "QX"}
	for name, v := range map[string]Version{"version-v3.json": goldenVersion(), "version-v3-minimal.json": minimal} {
		data, err := encodeVersion(v)
		if err != nil {
			t.Fatal(err)
		}
		want := golden(t, name, data)
		if string(data) != string(want) {
			t.Errorf("%s: written as\n%s\nwant\n%s", name, data, want)
		}
		got, err := decodeVersion(want)
		if err != nil || !reflect.DeepEqual(got, v) {
			t.Errorf("%s: read as\n%+v, %v, want\n%+v", name, got, err, v)
		}
	}
}

// Records of earlier releases are read.
func TestGoldenOfEarlierSchemas(t *testing.T) {
	t.Parallel()
	minimal := Function{Config: lambda.Config{Account: "000000000000", Name: "f", State: lambda.StatePending}}
	two := ofSchema2(goldenFunction())
	serves := two
	serves.Serving = serves.Config.Clone()
	serving3 := ofSchema3(goldenFunction())
	serving3.Serving = serving3.Config.Clone()
	for name, want := range map[string]Function{
		"function-v1.json": ofSchema1(goldenFunction()), "function-v1-minimal.json": minimal,
		"function-v2.json": two, "function-v2-minimal.json": minimal, "function-v2-serves.json": serves,
		"function-v3.json": ofSchema3(goldenFunction()), "function-v3-minimal.json": minimal, "function-v3-serves.json": serving3,
	} {
		got, err := decodeFunction(golden(t, name, nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read as\n%+v, %v, want\n%+v", name, got, err, want)
		}
	}
	second := goldenVersion()
	second.Config = configOfSchema3(second.Config)
	one := second
	one.ProvisionedAlias = ""
	for name, want := range map[string]Version{
		"version-v1.json":         one,
		"version-v2.json":         second,
		"version-v2-minimal.json": {Config: lambda.Config{Account: "000000000000", Name: "f", Version: "1"}, Lineage: "QX"},
		"version-v1-minimal.json": {Config: lambda.Config{Account: "000000000000", Name: "f", Version: "1"}, Lineage: "QX"},
	} {
		got, err := decodeVersion(golden(t, name, nil))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read as\n%+v, %v, want\n%+v", name, got, err, want)
		}
	}
}

func TestFunctionGolden(t *testing.T) {
	t.Parallel()
	minimal := Function{Config: lambda.Config{Account: "000000000000", Name: "f", State: lambda.StatePending}}
	serves := goldenFunction()
	serves.Serving = serves.Config.Clone()
	for name, f := range map[string]Function{"function-v4.json": goldenFunction(), "function-v4-minimal.json": minimal, "function-v4-serves.json": serves} {
		data, err := encodeFunction(f)
		if err != nil {
			t.Fatal(err)
		}
		want := golden(t, name, data)
		if string(data) != string(want) {
			t.Errorf("%s: written as\n%s\nwant\n%s", name, data, want)
		}
		got, err := decodeFunction(want)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Errorf("%s: read as\n%+v, %v, want\n%+v", name, got, err, f)
		}
	}
}

// Every member of a record is stored but its sequence number, which the stream knows.
func TestFieldsStored(t *testing.T) {
	t.Parallel()
	for _, record := range []reflect.Type{reflect.TypeFor[Function](), reflect.TypeFor[Version]()} {
		for field := range record.Fields() {
			if stored := field.Tag.Get("json") != "-"; stored != (field.Name != "Seq") {
				t.Errorf("%s.%s: stored = %v", record, field.Name, stored)
			}
		}
	}
	for field := range reflect.TypeFor[lambda.Config]().Fields() {
		if tag := field.Tag.Get("json"); tag == "" || (tag == "-") != (field.Name == "Tenant") { // which belongs to an invocation
			t.Errorf("lambda.Config.%s has JSON tag %q: what it is called on disk must not depend on its name", field.Name, tag)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		data  string
		newer bool
		text  string
	}{
		{`{"schema":5,"config":"in a form of tomorrow"}`, true, "schema version 5, this release reads up to 4"},
		{`{"config":{}}`, false, "no schema version"},
		{`{"schema":1,"config":[]}`, false, "function record"},
		{`{"schema":1`, false, "function record"},
		{``, false, "function record"},
	} {
		_, err := decodeFunction([]byte(test.data))
		if err == nil || errors.Is(err, ErrNewer) != test.newer || !strings.Contains(err.Error(), test.text) {
			t.Errorf("decodeFunction(%s): %v", test.data, err)
		}
	}
	for data, newer := range map[string]bool{`{"schema":4}`: true, `{"schema":0}`: false, `{"schema":1,"config":7}`: false, `[`: false} {
		if _, err := decodeVersion([]byte(data)); err == nil || errors.Is(err, ErrNewer) != newer {
			t.Errorf("decodeVersion(%s): %v", data, err)
		}
	}
	for _, test := range []struct {
		data  string
		newer bool
	}{
		{`{"schema":2,"streams":[],"events":[]}`, true},
		{`{"schema":1,"streams":[],"events":[{"t":1,"m":""}]}`, false},
		{`{"schema":1,"streams":["a"],"events":[{"s":-1,"t":1,"m":""}]}`, false},
		{`[]`, false},
	} {
		if _, err := decodeBatch([]byte(test.data)); err == nil || errors.Is(err, ErrNewer) != test.newer {
			t.Errorf("decodeBatch(%s): %v", test.data, err)
		}
	}
}

func TestBatchGolden(t *testing.T) {
	t.Parallel()
	events := []batchEvent{
		{Stream: "a", Millis: 1767225600000, Message: "START <1>\n"},
		{Stream: "b/[$LATEST]", Millis: 1767225600001, Message: ""},
		{Stream: "a", Millis: 1767225600001, Message: "end \u0000 \"quoted\""},
	}
	data, err := encodeBatch(events)
	if err != nil {
		t.Fatal(err)
	}
	want := golden(t, "batch-v1.json", data)
	if string(data) != string(want) {
		t.Errorf("written as\n%s\nwant\n%s", data, want)
	}
	if got, err := decodeBatch(want); err != nil || !reflect.DeepEqual(got, events) {
		t.Errorf("read as %+v, %v, want %+v", got, err, events)
	}
}

func FuzzToken(f *testing.F) {
	for _, s := range []string{"", "=", "plain-name_1", "/aws/lambda/hello", "a.b", "ü", "*", ">", "=20", "\x00"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		token := encodeToken(s)
		if token == "" || strings.ContainsAny(token, ".*> \t\r\n") {
			t.Errorf("encodeToken(%q) = %q, which is not a token", s, token)
		}
		if got, ok := decodeToken(token); !ok || got != s {
			t.Errorf("decodeToken(%q) = %q, %v; want %q", token, got, ok, s)
		}
		if plain, ok := decodeToken(s); ok && encodeToken(plain) != s {
			t.Errorf("%q and %q are tokens of the same string", s, encodeToken(plain))
		}
	})
}

func FuzzKey(f *testing.F) {
	for _, s := range []string{"fn.000000000000.f", "version.000000000000.f.QX.12", "version.a.f.=.1", "fn.a", "version.a.f.QX.0", "version.a.f.QX.+1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if k, ok := parseKey(s); ok && formatKey(k) != s {
			t.Errorf("%q is read as %+v, whose key is %q", s, k, formatKey(k))
		}
	})
}
