package api_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func TestOperationsTable(t *testing.T) {
	if len(api.Operations) != 88 {
		t.Errorf("%d operations, want 88", len(api.Operations))
	}
	names, places := map[string]bool{}, map[string]string{}
	for _, op := range api.Operations {
		if names[op.Name] {
			t.Errorf("%s is there twice", op.Name)
		}
		names[op.Name] = true
		place := op.Method + " " + op.Path + "?" + op.Query
		if other := places[place]; other != "" {
			t.Errorf("%s and %s share %s", op.Name, other, place)
		}
		places[place] = op.Name
		if !strings.HasPrefix(op.Path, "/20") || strings.HasSuffix(op.Path, "/") || op.Status < 200 || op.Status > 204 || op.Tier < 1 || op.Tier > 3 {
			t.Errorf("odd row %+v", op)
		}
	}
}

// TestErrorTable walks all kinds and all rows both ways.
func TestErrorTable(t *testing.T) {
	// The closed list of kinds ends here: a kind added behind it needs a row and a line in gateway.TestErrorShapes.
	last := lambda.KindCallbackTimeout
	seen := map[string]bool{}
	for kind := lambda.KindInternal; kind <= last; kind++ {
		row := api.RowOf(kind)
		if row.Type == "" || row.Status < 400 || (row.Key != "Message" && row.Key != "message") {
			t.Errorf("kind %d has the row %+v", kind, row)
		}
		if seen[row.Type] {
			t.Errorf("%s belongs to two kinds", row.Type)
		}
		seen[row.Type] = true
		if back, ok := api.KindOfType(row.Type); !ok || back != kind {
			t.Errorf("%s leads to kind %d, %t; want %d", row.Type, back, ok, kind)
		}
	}
	for _, kind := range []lambda.Kind{-1, last + 1} {
		if row := api.RowOf(kind); row.Type != "ServiceException" || row.Status != 500 {
			t.Errorf("kind %d, which does not exist, has the row %+v", kind, row)
		}
	}
	if _, ok := api.KindOfType("NoSuchException"); ok {
		t.Error("a type nobody has has a kind")
	}
}

func TestErrorBody(t *testing.T) {
	for _, test := range []struct {
		row                   api.ErrorRow
		message, reason, want string
	}{
		{api.RowOf(lambda.KindNotFound), "Function not found: x", "", `{"Type":"User","Message":"Function not found: x"}`},
		{api.RowOf(lambda.KindInvalid), `a "b" <c>`, "", `{"Type":"User","message":"a \"b\" <c>"}`},
		{api.RowOf(lambda.KindValidation), "m", "", `{"message":"m"}`},
		{api.RowOf(lambda.KindThrottled), "Rate Exceeded.", "ConcurrentInvocationLimitExceeded", `{"Reason":"ConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}`},
		{api.AuthError("InvalidSignatureException"), "no", "", `{"message":"no"}`},
	} {
		if got := string(api.ErrorBody(test.row, test.message, test.reason)); got != test.want {
			t.Errorf("body %s, want %s", got, test.want)
		}
	}
}

func TestFormatTimestamp(t *testing.T) {
	at := time.Date(2026, 1, 31, 13, 34, 56, 789_999_999, time.FixedZone("", 3600))
	if got := api.FormatTimestamp(at); got != "2026-01-31T12:34:56.789+0000" {
		t.Error(got)
	}
}

func TestDecode(t *testing.T) {
	for _, test := range []struct {
		body string
		kind lambda.Kind
		text string // "" means success
	}{
		{``, 0, ""},
		{`{"Timeout":3}`, 0, ""},
		{`{"Timeout":null}`, 0, ""},
		{"{} \n", 0, ""},
		{`{"Timeout":"3"}`, lambda.KindInvalidContent, "Could not parse request body into json: string cannot be the value of 'Timeout'"},
		{`{"Timeout":3.5}`, lambda.KindInvalidContent, "number 3.5 cannot be the value of 'Timeout'"},
		{`[]`, lambda.KindInvalidContent, "array cannot be the value of ''"},
		{`{"Timeout":`, lambda.KindInvalidContent, "Could not parse request body into json: unexpected end of input"},
		{`{} {}`, lambda.KindInvalidContent, "more than one value"},
		{`nonsense`, lambda.KindInvalidContent, "Could not parse request body into json: invalid character 'o'"},
		{`{"AcceleratorConfig":{}}`, lambda.KindInvalid, "The setting AcceleratorConfig is not implemented yet by Thaw"},
		{`{"EphemeralStorage":{"Siz":1}}`, lambda.KindInvalid, "The setting Siz is not implemented yet by Thaw"},
		{`{"` + strings.Repeat("x", 1<<20) + `":1}`, lambda.KindInvalid, "…"},
	} {
		var in api.UpdateFunctionConfigurationRequest
		err := api.Decode([]byte(test.body), &in)
		if test.text == "" {
			if err != nil {
				t.Errorf("%s: %v", test.body, err)
			}
			continue
		}
		e, ok := errors.AsType[*lambda.Error](err)
		if !ok || e.Kind != test.kind || !strings.Contains(e.Msg, test.text) || len(e.Msg) > 2048 {
			t.Errorf("%.60s: %v, want kind %d with %q", test.body, err, test.kind, test.text)
		}
	}
}

func ptr[T any](v T) *T { return &v }

const role = "arn:aws:iam::123456789012:role/r"

func TestConstraintTexts(t *testing.T) {
	const one = "1 validation error detected: "
	valid := func() *api.CreateFunctionRequest {
		return &api.CreateFunctionRequest{
			FunctionName: ptr("f"), Code: &api.FunctionCode{},
			FunctionSettings: api.FunctionSettings{Role: ptr(role), Runtime: ptr("python3.11"), Handler: ptr("a.b")},
		}
	}
	for _, test := range []struct {
		name   string
		change func(*api.CreateFunctionRequest)
		want   string
	}{
		{"valid", func(*api.CreateFunctionRequest) {}, ""},
		{"name of 64", func(r *api.CreateFunctionRequest) { *r.FunctionName = strings.Repeat("f", 64) }, ""},
		{"whole ARN", func(r *api.CreateFunctionRequest) {
			*r.FunctionName = "arn:aws:lambda:us-east-1:123456789012:function:f"
		}, ""},
		{"nothing", func(r *api.CreateFunctionRequest) { *r = api.CreateFunctionRequest{} }, "3 validation errors detected: " +
			"Value null at 'functionName' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'role' failed to satisfy constraint: Member must not be null; " +
			"Value null at 'code' failed to satisfy constraint: Member must not be null"},
		{"name of 65", func(r *api.CreateFunctionRequest) { *r.FunctionName = strings.Repeat("f", 65) }, one +
			"Value '" + strings.Repeat("f", 65) + "' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"},
		{"name with a dot", func(r *api.CreateFunctionRequest) { *r.FunctionName = "a.b" }, one +
			`Value 'a.b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`},
		{"role", func(r *api.CreateFunctionRequest) { r.Role = ptr("r") }, one +
			`Value 'r' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`},
		{"newline behind the role", func(r *api.CreateFunctionRequest) { r.Role = ptr(role + "\n") }, one +
			"Value '" + role + "\n' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: " + `arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+`},
		{"handler with space", func(r *api.CreateFunctionRequest) { r.Handler = ptr("a b") }, one +
			`Value 'a b' at 'handler' failed to satisfy constraint: Member must satisfy regular expression pattern: [^\s]+`},
		{"timeout", func(r *api.CreateFunctionRequest) { r.Timeout = ptr(901) }, one +
			"Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"},
		{"memory", func(r *api.CreateFunctionRequest) { r.MemorySize = ptr(127) }, one +
			"Value '127' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128"},
		{"storage", func(r *api.CreateFunctionRequest) { r.EphemeralStorage = &api.EphemeralStorage{Size: ptr(511)} }, one +
			"Value '511' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value greater than or equal to 512"},
		{"storage without size", func(r *api.CreateFunctionRequest) { r.EphemeralStorage = &api.EphemeralStorage{} }, one +
			"Value null at 'ephemeralStorage.size' failed to satisfy constraint: Member must not be null"},
		{"snapStart", func(r *api.CreateFunctionRequest) { r.SnapStart = &api.SnapStart{ApplyOn: ptr("Always")} }, one +
			"Value 'Always' at 'snapStart.applyOn' failed to satisfy constraint: Member must satisfy enum value set: [PublishedVersions, None]"},
		{"architectures", func(r *api.CreateFunctionRequest) { r.Architectures = []string{"x86_64", "arm64"} }, one +
			"Value '[x86_64, arm64]' at 'architectures' failed to satisfy constraint: Member must have length less than or equal to 1"},
		{"architecture", func(r *api.CreateFunctionRequest) { r.Architectures = []string{"mips"} }, one +
			"Value '[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"},
		{"variable", func(r *api.CreateFunctionRequest) {
			r.Environment = &api.Environment{Variables: map[string]string{"1": "secret"}}
		}, one + "Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+]"},
		{"tag", func(r *api.CreateFunctionRequest) { r.Tags = map[string]string{"k": "v!"} }, one +
			`Value '{k=v!}' at 'tags' failed to satisfy constraint: Map value must satisfy constraint: [Member must have length less than or equal to 256, Member must have length greater than or equal to 0, Member must satisfy regular expression pattern: ([\p{L}\p{Z}\p{N}_.:/=+\-@]*)]`},
		{"log group", func(r *api.CreateFunctionRequest) { r.LoggingConfig = &api.LoggingConfig{LogGroup: ptr("a b")} }, one +
			`Value 'a b' at 'loggingConfig.logGroup' failed to satisfy constraint: Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+`},
		{"two", func(r *api.CreateFunctionRequest) { r.Timeout, r.MemorySize = ptr(0), ptr(10241) }, "2 validation errors detected: " +
			"Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1; " +
			"Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := valid()
			test.change(r)
			err := r.Check()
			switch {
			case test.want == "" && err != nil:
				t.Errorf("refused: %v", err)
			case test.want != "" && (err == nil || err.Error() != test.want):
				t.Errorf("got  %v\nwant %s", err, test.want)
			case err != nil && lambda.KindOf(err) != lambda.KindValidation:
				t.Errorf("kind %d", lambda.KindOf(err))
			}
		})
	}
}

func TestOtherConstraints(t *testing.T) {
	for _, test := range []struct {
		err  error
		want string // "" means accepted
	}{
		{api.CheckName("a.b", ""), ""},
		{api.CheckName("f:$LATEST.PUBLISHED", "$LATEST"), ""},
		{api.CheckName("", ""), "Value '' at 'functionName' failed to satisfy constraint: Member must have length greater than or equal to 1"},
		{api.CheckName("f", "a b"), `Value 'a b' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`},
		{api.CheckInvocation(http.Header{}), ""},
		{api.CheckInvocation(invocation("Event", "Tail")), ""},
		{api.CheckInvocation(invocation("event", "all")), "2 validation errors detected: Value 'event' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]; Value 'all' at 'logType' failed to satisfy constraint: Member must satisfy enum value set: [None, Tail]"},
		{api.CheckList("", "", nil), ""},
		{api.CheckList("ALL", "us-east-1", ptr(10000)), ""},
		{api.CheckList("x", "", nil), "Value 'x' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]"},
		{api.CheckList("", "", ptr(0)), "Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"},
		{api.CheckResource("arn:aws:lambda:us-east-1:123456789012:function:f"), ""},
		{api.CheckResource("f"), "Value 'f' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:"},
		{api.CheckUntag("arn:aws:lambda:us-east-1:123456789012:function:f", nil), "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"},
		{(&api.TagResourceRequest{}).Check("arn:aws:lambda:us-east-1:123456789012:function:f"), "Value null at 'tags' failed to satisfy constraint: Member must not be null"},
	} {
		switch {
		case test.want == "" && test.err != nil:
			t.Errorf("refused: %v", test.err)
		case test.want != "" && (test.err == nil || !strings.Contains(test.err.Error(), test.want)):
			t.Errorf("got %v, want %s", test.err, test.want)
		}
	}
}

func TestEchoedValuesAreBounded(t *testing.T) {
	r := &api.TagResourceRequest{Tags: map[string]string{strings.Repeat("é", 1<<20): ""}}
	err := r.Check("arn:aws:lambda:us-east-1:123456789012:function:f")
	if err == nil || len(err.Error()) > 4096 {
		t.Fatalf("a message of %d bytes", len(err.Error()))
	}
}

func TestSTSAnswers(t *testing.T) {
	got, err := api.QueryAnswer{
		Namespace: api.STSNamespace, Action: "GetCallerIdentity", Result: api.CallerIdentity{Arn: "arn:aws:iam::1:root", UserID: "1", Account: "1"}, RequestID: "r",
	}.Encode()
	want := `<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><Arn>arn:aws:iam::1:root</Arn>` +
		`<UserId>1</UserId><Account>1</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
	got, err = api.QueryError{Namespace: api.STSNamespace, Type: "Sender", Code: "InvalidAction", Message: "a<b", RequestID: "r"}.Encode()
	want = `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>InvalidAction</Code>` +
		`<Message>a&lt;b</Message></Error><RequestId>r</RequestId></ErrorResponse>`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}

// invocation is the headers of one.
func invocation(kind, logType string) http.Header {
	return http.Header{"X-Amz-Invocation-Type": {kind}, "X-Amz-Log-Type": {logType}}
}
