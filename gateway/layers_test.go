package gateway_test

import (
	"encoding/base64"
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const (
	layers   = "/2018-10-31/layers"
	layerARN = "arn:aws:lambda:us-east-1:000000000000:layer:"
	asTheirs = "Authorization: Test " + theirs + " lambda"
)

// publishBody is the body of a PublishLayerVersion; more is ",…" or "".
func publishBody(more string) string {
	return `{"Content":{"ZipFile":"` + base64.StdEncoding.EncodeToString([]byte("PK layer")) + `"}` + more + `}`
}

func TestLayerBodies(t *testing.T) {
	s := newServer(t)
	a := s.do("POST", layers+"/l/versions", publishBody(`,"Description":"tools","LicenseInfo":"MIT","CompatibleRuntimes":["python3.11","java21"],"CompatibleArchitectures":["x86_64"]`))
	const (
		sha  = "e62q3JWGR4EQ224gAKt+wRppMkE3DvshKo2NxLHX3Yo="
		rest = `"LayerVersionArn":"` + layerARN + `l:1","Description":"tools","CreatedDate":"TIME","Version":1,` +
			`"CompatibleRuntimes":["python3.11","java21"],"LicenseInfo":"MIT","CompatibleArchitectures":["x86_64"]}`
	)
	whole := func(body string) string {
		var got struct {
			Content struct{ Location, CodeSha256 string }
		}
		if err := json.Unmarshal([]byte(body), &got); err != nil {
			t.Fatal(err)
		}
		if got.Content.Location != s.url+"/_thaw/layer/000000000000/l/1?key=AKIA000000000000&expires=10m0s" || got.Content.CodeSha256 != sha {
			t.Errorf("content is %+v", got.Content)
		}
		location, _ := json.Marshal(got.Content.Location)
		text := strings.ReplaceAll(string(location), `\u0026`, "&")
		return `{"Content":{"Location":` + text + `,"CodeSha256":"` + sha + `","CodeSize":8},"LayerArn":"` + layerARN + `l",` + rest
	}
	want := whole(a.body)
	a.want(t, 201, want)
	s.do("GET", layers+"/l/versions/1", "").want(t, 200, want)
	s.do("GET", layers+"/"+url.PathEscape(layerARN+"l")+"/versions/1", "").want(t, 200, want)
	s.do("GET", layers+"?find=LayerVersion&Arn="+url.QueryEscape(layerARN+"l:1"), "").want(t, 200, want)
	s.do("GET", layers+"/l/versions", "").want(t, 200, `{"LayerVersions":[{`+rest+`]}`)
	s.do("GET", layers, "").want(t, 200, `{"Layers":[{"LayerName":"l","LayerArn":"`+layerARN+`l","LatestMatchingVersion":{`+rest+`}]}`)
	s.do("GET", layers+"?CompatibleRuntime=java21&CompatibleArchitecture=arm64", "").want(t, 200, `{"Layers":[]}`)

	s.do("POST", layers+"/l/versions", publishBody(""))
	second := `{"LayerVersionArn":"` + layerARN + `l:2","Description":"","CreatedDate":"TIME","Version":2}`
	a = s.do("GET", layers+"/l/versions?MaxItems=1", "")
	var page struct{ NextMarker string }
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || page.NextMarker == "" {
		t.Fatalf("first page: %s (%v)", a.body, err)
	}
	a.want(t, 200, `{"NextMarker":"`+page.NextMarker+`","LayerVersions":[`+second+`]}`)
	s.do("GET", layers+"/l/versions?MaxItems=1&Marker="+page.NextMarker, "").want(t, 200, `{"LayerVersions":[{`+rest+`]}`)

	for range 2 {
		s.do("DELETE", layers+"/l/versions/2", "").want(t, 204, "")
	}
	s.do("GET", layers+"/l/versions/2", "").wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"The resource you requested does not exist."}`)
}

func TestLayerDownload(t *testing.T) {
	s := newServer(t)
	s.do("POST", layers+"/l/versions", publishBody(""))
	const path = "/_thaw/layer/000000000000/l/1"
	if a := s.do("GET", path, ""); a.status != 200 || a.body != "PK layer" {
		t.Errorf("answered %d %s", a.status, a.body)
	}
	const gone = `{"Type":"User","Message":"There is no such package any more"}`
	s.do("GET", path, "", asTheirs).wantError(t, 404, "ResourceNotFoundException", gone)
	s.do("POST", layers+"/l/versions/1/policy", `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"`+theirs+`"}`)
	if a := s.do("GET", path, "", asTheirs); a.status != 200 {
		t.Errorf("with permission: %d %s", a.status, a.body)
	}
	s.do("GET", "/_thaw/layer/000000000000/l/2", "").wantError(t, 404, "ResourceNotFoundException", gone)
	if a := s.do("GET", path, "", "-Authorization"); a.status != 403 {
		t.Errorf("without a signature: %d %s", a.status, a.body)
	}
	for _, bad := range []string{"/_thaw/layer/x", "/_thaw/layer/000000000000/l/one"} {
		if a := s.do("GET", bad, ""); a.status != 404 {
			t.Errorf("%s: %d %s", bad, a.status, a.body)
		}
	}
}

func TestLayerPermissionBodies(t *testing.T) {
	s := newServer(t)
	s.do("POST", layers+"/l/versions", publishBody(""))
	policy := layers + "/l/versions/1/policy"
	s.do("GET", policy, "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"No policy is associated with the given resource."}`)
	statement := `{\"Sid\":\"other\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws:iam::111111111111:root\"},\"Action\":\"lambda:GetLayerVersion\",\"Resource\":\"` + layerARN + `l:1\"}`
	s.do("POST", policy, `{"StatementId":"other","Action":"lambda:GetLayerVersion","Principal":"arn:aws:iam::111111111111:root"}`).want(t, 201,
		`{"Statement":"`+statement+`","RevisionId":"UUID"}`)
	s.do("GET", policy, "").want(t, 200, `{"Policy":"{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[`+statement+`]}","RevisionId":"UUID"}`)
	s.do("POST", policy, `{"StatementId":"other","Action":"lambda:GetLayerVersion","Principal":"*"}`).wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"The statement id (other) provided already exists. Please provide a new statement id, or remove the existing statement."}`)
	s.do("POST", policy+"?RevisionId=old", `{"StatementId":"more","Action":"lambda:GetLayerVersion","Principal":"*"}`).wantError(t, 412, "PreconditionFailedException",
		`{"Type":"User","message":"The Revision Id provided does not match the latest Revision Id. Call the GetLayerVersionPolicy API to retrieve the latest Revision Id"}`)
	s.do("POST", policy, `{"StatementId":"org","Action":"lambda:GetLayerVersion","Principal":"*","OrganizationId":"o-0123456789"}`).wantError(t, 400,
		"InvalidParameterValueException", `{"Type":"User","message":"OrganizationId is not implemented yet by Thaw"}`)
	if a := s.do("POST", policy, `{"StatementId":"s","Action":"lambda:InvokeFunction","Principal":"*"}`); a.status != 400 || !strings.Contains(a.body, "'action' failed to satisfy constraint") {
		t.Errorf("another action: %d %s", a.status, a.body)
	}
	s.do("DELETE", policy+"/none", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Statement none is not found in resource policy."}`)
	s.do("DELETE", policy+"/other", "").want(t, 204, "")
	s.do("DELETE", policy+"/other", "").wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"Statement other is not found in resource policy."}`)
}

// Nothing of an account's layers can be seen or changed by another, but for what is permitted.
func TestLayersOfAnotherAccount(t *testing.T) {
	s := newServer(t)
	s.do("POST", layers+"/l/versions", publishBody(""))
	foreign := layers + "/" + url.PathEscape(layerARN+"l")
	refusal := func(action, arn string) string {
		return `{"Message":"User: arn:aws:iam::111111111111:root is not authorized to perform: lambda:` + action + ` on resource: ` + arn +
			` because no resource-based policy allows the lambda:` + action + ` action"}`
	}
	s.do("GET", foreign+"/versions/1", "", asTheirs).wantError(t, 403, "AccessDeniedException", refusal("GetLayerVersion", layerARN+"l:1"))
	s.do("GET", layers+"?find=LayerVersion&Arn="+layerARN+"l:1", "", asTheirs).wantError(t, 403, "AccessDeniedException", refusal("GetLayerVersion", layerARN+"l:1"))
	for _, test := range []struct{ method, path, body, action string }{
		{"POST", "/versions", publishBody(""), "PublishLayerVersion"},
		{"GET", "/versions", "", "ListLayerVersions"},
		{"DELETE", "/versions/1", "", "DeleteLayerVersion"},
		{"POST", "/versions/1/policy", `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"*"}`, "AddLayerVersionPermission"},
		{"GET", "/versions/1/policy", "", "GetLayerVersionPolicy"},
		{"DELETE", "/versions/1/policy/s", "", "RemoveLayerVersionPermission"},
	} {
		s.do(test.method, foreign+test.path, test.body, asTheirs).wantError(t, 403, "AccessDeniedException", refusal(test.action, layerARN+"l"))
	}
	s.do("GET", layers, "", asTheirs).want(t, 200, `{"Layers":[]}`)
	s.do("GET", layers+"/l/versions", "", asTheirs).want(t, 200, `{"LayerVersions":[]}`)
	s.do("GET", layers+"/l/versions/1", "", asTheirs).wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"The resource you requested does not exist."}`)

	use := createBody("f", `,"Layers":["`+layerARN+`l:1"]`)
	s.do("POST", fns, use, asTheirs).wantError(t, 403, "AccessDeniedException", refusal("GetLayerVersion", layerARN+"l:1"))
	s.do("POST", layers+"/l/versions/1/policy", `{"StatementId":"s","Action":"lambda:GetLayerVersion","Principal":"`+theirs+`"}`)
	if a := s.do("GET", foreign+"/versions/1", "", asTheirs); a.status != 200 || !strings.Contains(a.body, `"LayerArn":"`+layerARN+`l"`) {
		t.Errorf("permitted: %d %s", a.status, a.body)
	}
	if a := s.do("POST", fns, use, asTheirs); a.status != 201 || !strings.Contains(a.body, `"Layers":[{"Arn":"`+layerARN+`l:1","CodeSize":8}]`) {
		t.Errorf("permitted: %d %s", a.status, a.body)
	}
}

func TestLayersOfAFunction(t *testing.T) {
	s := newServer(t)
	for _, name := range []string{"a", "b"} {
		s.do("POST", layers+"/"+name+"/versions", publishBody(""))
	}
	s.create("f", `,"Layers":["`+layerARN+`b:1","`+layerARN+`a:1"]`)
	config := fns + "/f/configuration"
	const both = `"Layers":[{"Arn":"` + layerARN + `b:1","CodeSize":8},{"Arn":"` + layerARN + `a:1","CodeSize":8}]`
	has := func(want string) {
		t.Helper()
		s.settle("f")
		if a := s.do("GET", config, ""); strings.Contains(a.body, `"Layers"`) != (want != "") || !strings.Contains(a.body, want) {
			t.Errorf("configuration is %s, want %q in it", a.body, want)
		}
	}
	has(both)
	s.do("DELETE", layers+"/a/versions/1", "").want(t, 204, "")
	s.do("PUT", config, `{"Timeout":9}`)
	has(both)
	s.do("PUT", config, `{"Layers":["`+layerARN+`a:1"]}`).wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"Layer version `+layerARN+`a:1 does not exist."}`)
	s.do("PUT", config, `{"Layers":["arn:aws:lambda:eu-west-1:000000000000:layer:a:1"]}`).wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"Layers are not in the same region as the function. Layers are expected to be in region us-east-1."}`)
	if a := s.do("PUT", config, `{"Layers":["a:1"]}`); a.status != 400 || !strings.Contains(a.body, "Value '[a:1]' at 'layers' failed to satisfy constraint") {
		t.Errorf("no ARN: %d %s", a.status, a.body)
	}
	s.do("PUT", config, `{"Layers":[]}`)
	has("")
}

func TestLayerConstraints(t *testing.T) {
	s := newServer(t)
	for _, test := range []struct{ method, path, body, want string }{
		{"POST", "/l/versions", `{}`, "Value null at 'content'"},
		{"POST", "/l/versions", publishBody(`,"CompatibleRuntimes":["cobol"]`), "Value '[cobol]' at 'compatibleRuntimes'"},
		{"POST", "/l/versions", publishBody(`,"CompatibleArchitectures":["mips"]`), "Value '[mips]' at 'compatibleArchitectures'"},
		{"POST", "/l/versions", publishBody(`,"LicenseInfo":"` + strings.Repeat("x", 513) + `"`), "at 'licenseInfo'"},
		{"POST", "/a.b/versions", publishBody(""), "Value 'a.b' at 'layerName'"},
		{"POST", "/l/versions", `{"Content":{}}`, "Please provide a source for layer content."},
		{"GET", "/l/versions/x", "", "Value 'x' at 'versionNumber'"},
		{"GET", "/l/versions/0", "", "Layer Version Cannot be less than 1."},
		{"GET", "?find=LayerVersion&Arn=x", "", "Value 'x' at 'arn'"},
		{"GET", "?CompatibleRuntime=cobol", "", "Value 'cobol' at 'compatibleRuntime'"},
		{"GET", "?MaxItems=51", "", "Value '51' at 'maxItems'"},
		{"GET", "/l/versions?Marker=eA", "", "The Marker is not one"},
	} {
		if a := s.do(test.method, layers+test.path, test.body); a.status != 400 || !strings.Contains(a.body, test.want) {
			t.Errorf("%s %s answered %d %s, want %q", test.method, test.path, a.status, a.body, test.want)
		}
	}
}
