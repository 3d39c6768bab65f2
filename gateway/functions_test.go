package gateway_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/gateway"
)

// arch is this host's architecture as the API names it, foreign is another.
var arch, foreign = "x86_64", "arm64"

func init() {
	if runtime.GOARCH == "arm64" {
		arch, foreign = foreign, arch
	}
}

// tail is the end of a configuration behind its state, with and without the runtime's version.
func tail(version string) string {
	return `"PackageType":"Zip","Architectures":["` + arch + `"],"EphemeralStorage":{"Size":512},` +
		`"SnapStart":{"ApplyOn":"None","OptimizationStatus":"Off"},` + version + `"LoggingConfig":{"LogFormat":"Text","LogGroup":"/aws/lambda/f"}}`
}

// Parts of configurations, in the order they are written.
const (
	head = `{"FunctionName":"f","FunctionArn":"arn:aws:lambda:us-east-1:000000000000:function:f","Runtime":"python3.11",` +
		`"Role":"arn:aws:iam::000000000000:role/r","Handler":"main.handler","CodeSize":6,"Description":"","Timeout":3,"MemorySize":128,` +
		`"LastModified":"TIME","CodeSha256":"1EP66EnnrKg6E+hyGAVQ4mJ23K0wxArVEbloop60IfQ=","Version":"$LATEST",`
	// The digits are the SHA-256 of "python3.11".
	rvc  = `"RuntimeVersionConfig":{"RuntimeVersionArn":"arn:aws:lambda:us-east-1::runtime:72e78ddac08187448a816f3688b1b27700b00f882d34e6021acdbdbe4c54008b"},`
	mode = `"TracingConfig":{"Mode":"PassThrough"},"RevisionId":"UUID",`
)

func TestFunctionConfigurationBodies(t *testing.T) {
	s := newServer(t, func(s *server, _ *gateway.Options) { s.gate = make(chan struct{}) })
	created := s.do("POST", fns+"/", createBody("f", "")) // older clients end the path with a slash
	created.want(t, 201, head+mode+
		`"State":"Pending","StateReason":"The function is being created.","StateReasonCode":"Creating",`+tail(rvc))
	if got := created.header.Get("Content-Type"); got != "application/json" {
		t.Errorf("Content-Type %q", got)
	}
	s.do("GET", fns+"/f/configuration", "").want(t, 200, created.normal())
	s.do("POST", fns+"/f/invocations", "{}", "X-Amz-Invocation-Type: DryRun").wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"The operation cannot be performed at this time. The function is currently in the following state: Pending"}`)

	s.gate <- struct{}{}
	s.settle("f")
	active := head + mode + `"State":"Active","LastUpdateStatus":"Successful",` + tail(rvc)
	s.do("GET", fns+"/f/configuration", "").want(t, 200, active)
	s.do("GET", fns+"/f/configuration?Qualifier=$LATEST", "").want(t, 200, strings.Replace(active, "function:f\"", "function:f:$LATEST\"", 1))
	s.do("GET", fns+"/f", "").want(t, 200, `{"Configuration":`+active+`,"Code":{"RepositoryType":"S3","Location":"`+s.url+
		`/_thaw/code/000000000000/f/d443fae849e7aca83a13e872180550e26276dcad30c40ad511b968a29eb421f4?key=AKIA000000000000&expires=10m0s"}}`)

	updated := s.do("PUT", fns+"/f/configuration", `{"Timeout":10,"Environment":{"Variables":{}},"Description":"<&>"}`)
	during := strings.NewReplacer(`"Timeout":3`, `"Timeout":10`, `"Description":""`, `"Description":"<&>"`).Replace(head) +
		`"Environment":{"Variables":{}},` + mode + `"State":"Active",` +
		`"LastUpdateStatus":"InProgress","LastUpdateStatusReason":"The function is being created.","LastUpdateStatusReasonCode":"Creating",` + tail(rvc)
	updated.want(t, 200, during)
	s.do("PUT", fns+"/f/code", `{"ZipFile":"`+zip64+`"}`).wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"The operation cannot be performed at this time. An update is in progress for resource: `+fnARN+`f"}`)
	s.gate <- struct{}{}
	s.settle("f")

	list := s.do("GET", fns, "")
	list.want(t, 200, `{"Functions":[`+strings.NewReplacer(`"State":"Active",`, "",
		`"LastUpdateStatus":"InProgress","LastUpdateStatusReason":"The function is being created.","LastUpdateStatusReasonCode":"Creating",`, "", rvc, "").Replace(during)+`]}`)
	if got := s.do("GET", fns+"?FunctionVersion=ALL", "").body; !strings.Contains(got, `"`+fnARN+`f:$LATEST"`) {
		t.Errorf("with FunctionVersion ALL: %s", got)
	}
}

// normal is the answer's body with UUIDs and times replaced.
func (a answer) normal() string {
	return timeText.ReplaceAllString(uuidText.ReplaceAllString(a.body, "UUID"), "TIME")
}

func TestRevisionIDs(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	first := s.settle("f").Config.RevisionID
	bad := `{"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"}`
	s.do("PUT", fns+"/f/configuration", `{"RevisionId":"x"}`).wantError(t, 412, "PreconditionFailedException", bad)
	s.do("PUT", fns+"/f/code", `{"RevisionId":"x","ZipFile":"`+zip64+`"}`).wantError(t, 412, "PreconditionFailedException", bad)
	if a := s.do("PUT", fns+"/f/configuration", `{"RevisionId":"`+first+`"}`); a.status != 200 {
		t.Errorf("update of the right revision: %d %s", a.status, a.body)
	}
	s.settle("f")
	s.do("PUT", fns+"/f/configuration", `{"RevisionId":"`+first+`"}`).wantError(t, 412, "PreconditionFailedException", bad)
}

func TestDryRunOfUpdateFunctionCode(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	before := s.settle("f")
	a := s.do("PUT", fns+"/f/code", `{"DryRun":true,"ZipFile":"UEsgdHdv"}`)
	if a.status != 200 || !strings.Contains(a.body, `"CodeSize":6,`) || strings.Contains(a.body, "1EP66Enn") {
		t.Errorf("%d %s", a.status, a.body)
	}
	if after := s.settle("f"); after.Seq != before.Seq {
		t.Error("a dry run changed the function")
	}
}

func TestDeleteFunction(t *testing.T) {
	s := newServer(t)
	s.create("f", `,"Tags":{"a":"b"}`)
	s.do("DELETE", fns+"/f?Qualifier=$LATEST", "").wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"$LATEST version cannot be deleted without deleting the function."}`)
	s.do("DELETE", fns+"/f?Qualifier=prod", "").wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"Deletion of aliases is not currently supported."}`)
	s.do("DELETE", fns+"/f?Qualifier=7", "").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`f:7"}`)
	s.do("DELETE", fns+"/f", "").want(t, 204, "")
	s.do("DELETE", fns+"/f", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: `+fnARN+`f"}`)
	s.create("f", "")
	s.do("GET", "/2017-03-31/tags/"+url.PathEscape(fnARN+"f"), "").want(t, 200, `{"Tags":{}}`)
}

func TestListFunctionsPages(t *testing.T) {
	s := newServer(t)
	for i := range 53 {
		s.create(fmt.Sprintf("f%02d", i), "")
	}
	names := func(query string) (names []string, marker string) {
		t.Helper()
		a := s.do("GET", fns+"?"+query, "")
		var page struct {
			NextMarker string
			Functions  []struct{ FunctionName string }
		}
		if err := json.Unmarshal([]byte(a.body), &page); err != nil || a.status != 200 {
			t.Fatalf("%d %s", a.status, a.body)
		}
		for _, f := range page.Functions {
			names = append(names, f.FunctionName)
		}
		return names, page.NextMarker
	}
	page, marker := names("MaxItems=10000")
	if len(page) != 50 || marker == "" {
		t.Fatalf("the largest page has %d functions, marker %q", len(page), marker)
	}
	page, marker = names("Marker=" + marker)
	if strings.Join(page, " ") != "f50 f51 f52" || marker != "" {
		t.Errorf("last page %v, marker %q", page, marker)
	}
	page, marker = names("MaxItems=2&Marker=")
	if strings.Join(page, " ") != "f00 f01" || marker == "" {
		t.Errorf("page of two %v, marker %q", page, marker)
	}
	if page, _ := names("FunctionVersion=ALL&MasterRegion=eu-west-1"); len(page) != 0 {
		t.Errorf("functions replicated from elsewhere: %v", page)
	}
	if page, _ := names("FunctionVersion=ALL&MasterRegion=ALL"); len(page) != 50 {
		t.Errorf("MasterRegion ALL: %v", page)
	}
	invalid := func(query string, typ string, body string) {
		t.Helper()
		s.do("GET", fns+"?"+query, "").wantError(t, 400, typ, body)
	}
	invalid("Marker=!", "InvalidParameterValueException", `{"Type":"User","message":"The Marker is not one that this operation returned"}`)
	invalid("MasterRegion=ALL", "InvalidParameterValueException", `{"Type":"User","message":"FunctionVersion must be set to ALL if MasterRegion is specified"}`)
	invalid("MaxItems=0&FunctionVersion=x", "ValidationException", `{"message":"2 validation errors detected: Value 'x' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]; Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"}`)
	invalid("MaxItems=ten", "ValidationException", `{"message":"1 validation error detected: Value 'ten' at 'maxItems' failed to satisfy constraint: Member must be a number"}`)
}

func TestNames(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	denied := func(account string) string {
		return `{"Message":"User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetFunctionConfiguration on resource: arn:aws:lambda:us-east-1:` + account + `:function:f because no resource-based policy allows the lambda:GetFunctionConfiguration action"}`
	}
	for _, test := range []struct {
		name, query string
		status      int
		body        string // "" if it is the function
	}{
		{"f", "", 200, ""},
		{"f:$LATEST", "", 200, ""},
		{"f%3A$LATEST", "?Qualifier=%24LATEST", 200, ""},
		{"function:f", "", 200, ""},
		{"000000000000:function:f", "", 200, ""},
		{fnARN + "f", "", 200, ""},
		{url.QueryEscape(fnARN + "f:$LATEST"), "", 200, ""},
		{"f:prod", "", 404, `{"Type":"User","Message":"Function not found: ` + fnARN + `f:prod"}`},
		{"f", "?Qualifier=1", 404, `{"Type":"User","Message":"Function not found: ` + fnARN + `f:1"}`},
		{"nobody", "", 404, `{"Type":"User","Message":"Function not found: ` + fnARN + `nobody"}`},
		{"f:prod", "?Qualifier=dev", 400, `{"Type":"User","message":"The derived qualifier from the function name does not match the specified qualifier."}`},
		{"arn:aws:lambda:eu-west-1:000000000000:function:f", "", 404, `{"Type":"User","Message":"Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"}`},
		{"arn:aws:lambda:us-east-1:111111111111:function:f", "", 403, denied(theirs)},
		{"111111111111:function:f", "", 403, denied(theirs)},
		{"arn:aws:lambda:us-east-1:000000000000:f", "", 400, `{"Type":"User","message":"Invalid function name or ARN: arn:aws:lambda:us-east-1:000000000000:f"}`},
		{"f%20g", "", 400, `{"message":"1 validation error detected: Value 'f g' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ` + namespaced + `"}`},
		{"f%2Fg", "", 400, `{"message":"1 validation error detected: Value 'f/g' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: ` + namespaced + `"}`},
	} {
		a := s.do("GET", fns+"/"+test.name+"/configuration"+test.query, "")
		if test.body != "" {
			a.want(t, test.status, test.body)
		} else if a.status != 200 || !strings.Contains(a.body, `"FunctionName":"f"`) {
			t.Errorf("%s%s answered %d %s", test.name, test.query, a.status, a.body)
		}
	}
	// Another account sees nothing of it.
	s.do("GET", fns+"/f", "", "Authorization: Test "+theirs+" lambda").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: arn:aws:lambda:us-east-1:111111111111:function:f"}`)
	s.do("GET", fns, "", "Authorization: Test "+theirs+" lambda").want(t, 200, `{"Functions":[]}`)

	s.do("PUT", fns+"/f:1/configuration", "{}").wantError(t, 400, "InvalidParameterValueException", only)
	s.do("PUT", fns+"/f:prod/code", "{}").wantError(t, 400, "InvalidParameterValueException", only)
	s.do("GET", "/2019-09-30/functions/f:1/concurrency", "").wantError(t, 400, "InvalidParameterValueException", only)
	s.do("POST", fns, createBody("f:1", "")).wantError(t, 400, "InvalidParameterValueException", only)
}

const namespaced = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`

func TestTags(t *testing.T) {
	s := newServer(t)
	s.create("f", `,"Tags":{"a":"1"}`)
	tags := "/2017-03-31/tags/" + url.QueryEscape(fnARN+"f")
	s.do("GET", tags, "").want(t, 200, `{"Tags":{"a":"1"}}`)
	s.do("POST", tags, `{"Tags":{"b":"2","c":"3"}}`).want(t, 204, "")
	s.do("DELETE", tags+"?tagKeys=a&tagKeys=c", "").want(t, 204, "")
	s.do("GET", "/2017-03-31/tags/"+fnARN+"f", "").want(t, 200, `{"Tags":{"b":"2"}}`)
	if a := s.do("GET", fns+"/f", ""); !strings.HasSuffix(a.body, `,"Tags":{"b":"2"}}`) {
		t.Errorf("GetFunction: %s", a.body)
	}
	for _, test := range []struct {
		resource string
		status   int
		typ      string
		body     string
	}{
		{fnARN + "f:prod", 400, "InvalidParameterValueException", `{"Type":"User","message":"Tags on function aliases and versions are not supported. Please specify a function ARN."}`},
		{fnARN + "nobody", 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: ` + fnARN + `nobody"}`},
		{"arn:aws:lambda:eu-west-1:000000000000:function:f", 404, "ResourceNotFoundException", `{"Type":"User","Message":"Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"}`},
		{"arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-12345678901234567", 404, "ResourceNotFoundException", `{"Type":"User","Message":"The Lambda code signing configuration arn:aws:lambda:us-east-1:000000000000:code-signing-config:csc-12345678901234567 can not be found."}`},
	} {
		s.do("GET", "/2017-03-31/tags/"+url.QueryEscape(test.resource), "").wantError(t, test.status, test.typ, test.body)
	}
	s.do("DELETE", tags, "").wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null"}`)
	s.do("POST", tags, `{}`).wantError(t, 400, "ValidationException",
		`{"message":"1 validation error detected: Value null at 'tags' failed to satisfy constraint: Member must not be null"}`)
}

func TestSmallReads(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.do("GET", "/2016-08-19/account-settings/", "").want(t, 200, `{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,`+
		`"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":1000},"AccountUsage":{"TotalCodeSize":6,"FunctionCount":1}}`)
	s.do("GET", "/2019-09-30/functions/f/concurrency", "").want(t, 200, `{}`)
	s.do("GET", "/2020-06-30/functions/f/code-signing-config", "").want(t, 200, `{"FunctionName":"f"}`)
	for _, path := range []string{"/2019-09-30/functions/x/concurrency", "/2020-06-30/functions/x/code-signing-config"} {
		s.do("GET", path, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Function not found: `+fnARN+`x"}`)
	}
}

// TestSettingsThatCannotBeEnforced: each is refused by name at creation and, where it exists there, in updates.
func TestSettingsThatCannotBeEnforced(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for _, test := range []struct{ member, name string }{
		{`"VpcConfig":{"SubnetIds":["subnet-1"]}`, "VpcConfig"},
		{`"FileSystemConfigs":[{"Arn":"a","LocalMountPath":"/mnt/a"}]`, "FileSystemConfigs"},
		{`"KMSKeyArn":"arn:aws:kms:us-east-1:000000000000:key/k"`, "KMSKeyArn"},
		{`"ImageConfig":{"Command":["x"]}`, "ImageConfig"},
		{`"CapacityProviderConfig":{}`, "CapacityProviderConfig"},
		{`"AcceleratorConfig":{}`, "The setting AcceleratorConfig"},
		{`"PackageType":"Image"`, "PackageType Image"},
		{`"PublishTo":"LATEST_PUBLISHED"`, "PublishTo"},
		{`"Architectures":["` + foreign + `"]`, "Architectures with " + foreign + ", on this host of " + arch + ","},
		{`"Code":{"ImageUri":"image"}`, "Code from a container image (ImageUri)"},
		{`"Code":{"SourceKMSKeyArn":"arn:x"}`, "SourceKMSKeyArn"},
		{`"Code":{"S3ObjectStorageMode":"REFERENCE"}`, "S3ObjectStorageMode REFERENCE"},
	} {
		want := `{"Type":"User","message":"` + test.name + ` is not implemented yet by Thaw"}`
		s.do("POST", fns, createBody("g", ","+test.member)).wantError(t, 400, "InvalidParameterValueException", want)
		member, isCode := strings.CutPrefix(test.member, `"Code":`)
		switch name, _, _ := strings.Cut(test.member[1:], `"`); {
		case isCode:
			s.do("PUT", fns+"/f/code", member).wantError(t, 400, "InvalidParameterValueException", want)
		case name == "PublishTo" || name == "Architectures":
			s.do("PUT", fns+"/f/code", `{`+member+`}`).wantError(t, 400, "InvalidParameterValueException", want)
		case name == "PackageType" || name == "TenancyConfig":
			s.do("PUT", fns+"/f/configuration", `{`+member+`}`).wantError(t, 400, "InvalidParameterValueException",
				`{"Type":"User","message":"The setting `+name+` is not implemented yet by Thaw"}`)
		default:
			s.do("PUT", fns+"/f/configuration", `{`+member+`}`).wantError(t, 400, "InvalidParameterValueException", want)
		}
	}
	if list := s.do("GET", fns, "").body; strings.Contains(list, `"g"`) {
		t.Errorf("a refused function was created: %s", list)
	}
	// What changes nothing is accepted.
	s.create("g", `,"PackageType":"Zip","Architectures":["`+arch+`"],"Publish":false,"Layers":[],"VpcConfig":{"SubnetIds":[],"SecurityGroupIds":[],"Ipv6AllowedForDualStack":false},`+
		`"FileSystemConfigs":[],"KMSKeyArn":"","DeadLetterConfig":{"TargetArn":""},"TracingConfig":{"Mode":"PassThrough"},"SnapStart":{"ApplyOn":"None"},`+
		`"ImageConfig":{},"LoggingConfig":{"LogFormat":"Text","LogGroup":"mine"},"EphemeralStorage":{"Size":1024},"Environment":{"Variables":{"KEY":"v"}},"Tags":{}`)
	if a := s.do("GET", fns+"/g/configuration", ""); !strings.Contains(a.body, `"LogGroup":"mine"`) || !strings.Contains(a.body, `"Size":1024`) ||
		!strings.Contains(a.body, `"Environment":{"Variables":{"KEY":"v"}}`) {
		t.Errorf("accepted settings: %s", a.body)
	}
}

// TestLoggingConfig: members are merged in updates, levels need format JSON, and what is in force is told.
func TestLoggingConfig(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	const refused = `{"Type":"User","message":"LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the LogFormat to \"JSON\" and try again."}`
	for _, bad := range []string{`{"ApplicationLogLevel":"DEBUG"}`, `{"SystemLogLevel":"WARN"}`, `{"LogFormat":"Text","SystemLogLevel":"WARN"}`} {
		s.do("PUT", fns+"/f/configuration", `{"LoggingConfig":`+bad+`}`).wantError(t, 400, "InvalidParameterValueException", refused)
		s.do("POST", fns, createBody("g", `,"LoggingConfig":`+bad)).wantError(t, 400, "InvalidParameterValueException", refused)
	}
	for _, step := range []struct{ update, want string }{
		{`{"LogFormat":"JSON"}`, `{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"INFO","LogGroup":"/aws/lambda/f"}`},
		{`{"SystemLogLevel":"WARN"}`, `{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"WARN","LogGroup":"/aws/lambda/f"}`},
		{`{"LogGroup":"mine"}`, `{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"WARN","LogGroup":"mine"}`},
		{`{"ApplicationLogLevel":"TRACE"}`, `{"LogFormat":"JSON","ApplicationLogLevel":"TRACE","SystemLogLevel":"WARN","LogGroup":"mine"}`},
		{`{"LogFormat":"Text"}`, `{"LogFormat":"Text","LogGroup":"mine"}`},
		{`{"LogFormat":"JSON"}`, `{"LogFormat":"JSON","ApplicationLogLevel":"INFO","SystemLogLevel":"INFO","LogGroup":"mine"}`},
	} {
		a := s.do("PUT", fns+"/f/configuration", `{"LoggingConfig":`+step.update+`}`)
		if !strings.Contains(a.body, `"LoggingConfig":`+step.want) {
			t.Errorf("after %s: %s", step.update, a.body)
		}
		s.settle("f")
	}
}

// TestTracingConfig: both modes are accepted and told.
func TestTracingConfig(t *testing.T) {
	s := newServer(t)
	s.create("f", `,"TracingConfig":{"Mode":"Active"}`)
	for _, mode := range []string{"Active", "PassThrough"} {
		if a := s.do("GET", fns+"/f/configuration", ""); !strings.Contains(a.body, `"TracingConfig":{"Mode":"`+mode+`"}`) {
			t.Errorf("got %s", a.body)
		}
		s.do("PUT", fns+"/f/configuration", `{"TracingConfig":{"Mode":"PassThrough"}}`)
		s.settle("f")
	}
}

func TestCreateFunctionErrors(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for _, test := range []struct {
		body   string
		status int
		typ    string
		want   string
	}{
		{createBody("f", ""), 409, "ResourceConflictException", `{"Type":"User","message":"Function already exist: f"}`},
		{`{"Code":{},"Role":"r"}`, 400, "ValidationException", `{"message":"2 validation errors detected: Value null at 'functionName' failed to satisfy constraint: Member must not be null; ` +
			`Value 'r' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+"}`},
		{createBody("g", `,"Code":{"ZipFile":"bm90IGEgemlw"}`), 400, "InvalidParameterValueException", `{"Type":"User","message":"Could not unzip uploaded file. Please check your file, then try to upload again."}`},
		{`{"FunctionName":"g","Role":"arn:aws:iam::000000000000:role/r","Runtime":"python3.11","Handler":"h","Code":{}}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"Please provide a source for function code."}`},
		{`{"FunctionName":"g","Role":"arn:aws:iam::000000000000:role/r","Runtime":"python3.11","Handler":"h","Code":{"ZipFile":""}}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"Uploaded file must be a non-empty zip"}`},
		{`{"FunctionName":"g","Role":"arn:aws:iam::000000000000:role/r","Code":{"ZipFile":"UEs="}}`, 400, "InvalidParameterValueException", `{"Type":"User","message":"Runtime and Handler are mandatory parameters for functions created with deployment packages."}`},
		{`{`, 400, "InvalidRequestContentException", `{"Type":"User","message":"Could not parse request body into json: unexpected end of input"}`},
		{`{"Code":{"ZipFile":"%%%"}}`, 400, "InvalidRequestContentException", `{"Type":"User","message":"Could not parse request body into json: illegal base64 data at input byte 0"}`},
	} {
		s.do("POST", fns, test.body).wantError(t, test.status, test.typ, test.want)
	}
}

// TestCodeLocation downloads through a presigned URL made and verified by the real package auth.
func TestCodeLocation(t *testing.T) {
	var verifier *auth.Verifier
	var key auth.Key
	s := newServer(t, func(_ *server, o *gateway.Options) {
		keys, err := auth.OpenKeys(filepath.Join(t.TempDir(), "credentials"), mine)
		if err != nil {
			t.Fatal(err)
		}
		key = keys.Default()
		verifier = auth.NewVerifier(auth.Options{Keys: keys, Region: "us-east-1"})
		o.Verifier = verifier
	})
	// The fake verifier is gone: requests are signed by their URLs, the way the download is.
	get := func(path string) answer {
		t.Helper()
		u, err := verifier.PresignGet(auth.Identity{AccessKeyID: key.AccessKeyID}, s.url, path, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return s.do("GET", strings.TrimPrefix(u, s.url), "", "-Authorization")
	}
	s.seed("f")
	a := get(fns + "/f")
	var f struct{ Code struct{ Location string } }
	if err := json.Unmarshal([]byte(a.body), &f); err != nil || a.status != 200 {
		t.Fatalf("%d %s", a.status, a.body)
	}
	resp, err := http.Get(f.Code.Location) //nolint:noctx // what curl does with it
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if body, err := io.ReadAll(resp.Body); err != nil || resp.StatusCode != 200 || string(body) != "PK one" || resp.Header.Get("Content-Type") != "application/zip" {
		t.Errorf("download: %d %q %v %v", resp.StatusCode, body, resp.Header, err)
	}
	path := strings.TrimPrefix(f.Code.Location, s.url)
	s.do("GET", strings.Replace(path, "/f/", "/g/", 1), "", "-Authorization").wantError(t, 403, "InvalidSignatureException",
		`{"message":"The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}`)
	s.do("POST", path, "", "-Authorization").wantError(t, 404, "UnknownOperationException", `{"Type":"User","message":"No operation has the method \"POST\" and this path"}`)

	// Whoever can sign still gets only what their own functions are made of.
	gone := `{"Type":"User","Message":"There is no such package any more"}`
	other, err := s.packages.Put(t.Context(), []byte("PK of another tenant"))
	if err != nil {
		t.Fatal(err)
	}
	get("/_thaw/code/"+mine+"/f/"+other.SHA256).wantError(t, 404, "ResourceNotFoundException", gone)
	get("/_thaw/code/"+theirs+"/f/"+other.SHA256).wantError(t, 404, "ResourceNotFoundException", gone)
	get("/_thaw/code/"+mine+"/../"+other.SHA256).wantError(t, 404, "ResourceNotFoundException", gone)
	if a := get("/_thaw/code/x"); a.status != 404 {
		t.Errorf("short path: %d", a.status)
	}
}

func TestFunctionErrorsOfTheStore(t *testing.T) {
	s := newServer(t, func(s *server, _ *gateway.Options) {
		s.store.Fail = func(string) error { return fmt.Errorf("raft: no leader at 10.0.0.1") }
	})
	s.do("POST", fns, createBody("f", "")).wantError(t, 500, "ServiceException",
		`{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`)
	if log := s.log.String(); !strings.Contains(log, "raft: no leader") || !strings.Contains(log, "level=ERROR") {
		t.Errorf("the log has no cause: %s", log)
	}
}
