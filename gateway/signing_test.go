package gateway_test

import (
	"encoding/json"
	"net/url"
	"strings"
	"testing"
)

const (
	signingConfigs = "/2020-04-22/code-signing-configs"
	profile        = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"
	publishers     = `"AllowedPublishers":{"SigningProfileVersionArns":["` + profile + `"]}`
)

// newSigning makes a code signing configuration with more members, ",…" or "", and returns its id.
func (s *server) newSigning(more string) string {
	s.t.Helper()
	a := s.do("POST", signingConfigs, `{`+publishers+more+`}`)
	var got struct {
		CodeSigningConfig struct{ CodeSigningConfigId string }
	}
	if err := json.Unmarshal([]byte(a.body), &got); err != nil || a.status != 201 {
		s.t.Fatalf("answered %d %s", a.status, a.body)
	}
	id := got.CodeSigningConfig.CodeSigningConfigId
	if len(id) != 21 || !strings.HasPrefix(id, "csc-") {
		s.t.Errorf("id %q", id)
	}
	return id
}

func signingARN(id string) string {
	return "arn:aws:lambda:us-east-1:000000000000:code-signing-config:" + id
}

func signingBody(id, description, policy string) string {
	return `{"CodeSigningConfigId":"` + id + `","CodeSigningConfigArn":"` + signingARN(id) + `",` + description + publishers +
		`,"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"` + policy + `"},"LastModified":"TIME"}`
}

const (
	unsigned = `{"Type":"User","Message":"Lambda cannot deploy the function. The function or layer might be signed using a signature that the client is not configured to accept. Check the provided signature for f."}`
	none     = "csc-00000000000000000"
)

func TestCodeSigningConfigBodies(t *testing.T) {
	s := newServer(t)
	id := s.newSigning("")
	path := signingConfigs + "/" + url.PathEscape(signingARN(id))
	s.do("GET", path, "").want(t, 200, `{"CodeSigningConfig":`+signingBody(id, "", "Warn")+`}`)
	changed := signingBody(id, `"Description":"ours",`, "Enforce")
	s.do("PUT", path, `{"Description":"ours","CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Enforce"}}`).want(t, 200, `{"CodeSigningConfig":`+changed+`}`)
	s.do("GET", signingConfigs, "").want(t, 200, `{"CodeSigningConfigs":[`+changed+`]}`)
	s.newSigning("")
	a := s.do("GET", signingConfigs+"?MaxItems=1", "")
	var page struct {
		NextMarker         string
		CodeSigningConfigs []any
	}
	if err := json.Unmarshal([]byte(a.body), &page); err != nil || page.NextMarker == "" || len(page.CodeSigningConfigs) != 1 {
		t.Errorf("first page %s (%v)", a.body, err)
	}
	if a := s.do("GET", signingConfigs+"?Marker="+page.NextMarker, ""); strings.Contains(a.body, "NextMarker") || strings.Count(a.body, "csc-") != 2 {
		t.Errorf("second page %s", a.body)
	}
	// Another account sees nothing.
	s.do("GET", signingConfigs, "", asTheirs).want(t, 200, `{"CodeSigningConfigs":[]}`)
	gone := `{"Type":"User","Message":"The Lambda code signing configuration ` + signingARN(id) + ` can not be found."}`
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		s.do(method, path, "", asTheirs).wantError(t, 404, "ResourceNotFoundException", gone)
	}
	s.do("GET", path+"/functions", "", asTheirs).wantError(t, 404, "ResourceNotFoundException", gone)
	s.do("GET", "/2017-03-31/tags/"+url.PathEscape(signingARN(id)), "", asTheirs).wantError(t, 404, "ResourceNotFoundException", gone)
	s.do("DELETE", path, "").want(t, 204, "")
	s.do("GET", path, "").wantError(t, 404, "ResourceNotFoundException", gone)
	s.do("DELETE", path, "").wantError(t, 404, "ResourceNotFoundException", gone)
}

func TestCodeSigningConfigConstraints(t *testing.T) {
	s := newServer(t)
	for body, want := range map[string]string{
		`{}`:                       "Value null at 'allowedPublishers'",
		`{"AllowedPublishers":{}}`: "Value null at 'allowedPublishers.signingProfileVersionArns'",
		`{"AllowedPublishers":{"SigningProfileVersionArns":[]}}`:                                                              "Value '[]' at 'allowedPublishers.signingProfileVersionArns'",
		`{"AllowedPublishers":{"SigningProfileVersionArns":["x"]}}`:                                                           "Value 'x' at 'allowedPublishers.signingProfileVersionArns'",
		`{"AllowedPublishers":{"SigningProfileVersionArns":[` + strings.Repeat(`"`+profile+`",`, 20) + `"` + profile + `"]}}`: "less than or equal to 20",
		`{` + publishers + `,"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Ignore"}}`:                               "'codeSigningPolicies.untrustedArtifactOnDeployment'",
		`{` + publishers + `,"Tags":{"aws:x":"y"}}`:                                                                           "System tags",
	} {
		if a := s.do("POST", signingConfigs, body); a.status != 400 || !strings.Contains(a.body, want) {
			t.Errorf("%s answered %d %s", body, a.status, a.body)
		}
	}
	if a := s.do("GET", signingConfigs+"/x", ""); a.status != 400 || !strings.Contains(a.body, "Value 'x' at 'codeSigningConfigArn'") {
		t.Errorf("answered %d %s", a.status, a.body)
	}
}

func TestCodeSigningTags(t *testing.T) {
	s := newServer(t)
	tags := "/2017-03-31/tags/" + url.PathEscape(signingARN(s.newSigning(`,"Tags":{"a":"1"}`)))
	s.do("GET", tags, "").want(t, 200, `{"Tags":{"a":"1"}}`)
	s.do("POST", tags, `{"Tags":{"b":"2"}}`).want(t, 204, "")
	s.do("DELETE", tags+"?tagKeys=a", "").want(t, 204, "")
	s.do("GET", tags, "").want(t, 200, `{"Tags":{"b":"2"}}`)
	missing := "/2017-03-31/tags/" + url.PathEscape(signingARN(none))
	for _, a := range []answer{s.do("GET", missing, ""), s.do("POST", missing, `{"Tags":{"b":"2"}}`), s.do("DELETE", missing+"?tagKeys=a", "")} {
		a.wantError(t, 404, "ResourceNotFoundException", `{"Type":"User","Message":"The Lambda code signing configuration `+signingARN(none)+` can not be found."}`)
	}
}

func TestCodeSigningOfAFunction(t *testing.T) {
	s := newServer(t)
	s.do("POST", layers+"/l/versions", publishBody(""))
	id := s.newSigning("")
	arn := signingARN(id)
	config, attached := signingConfigs+"/"+url.PathEscape(arn), "/2020-06-30/functions/f/code-signing-config"
	const verification = "CodeVerificationFailedException"
	noConfig := `{"Type":"User","Message":"The code signing configuration cannot be found. Check that the provided configuration is not deleted: ` + signingARN(none) + `."}`

	s.do("POST", fns, createBody("f", `,"CodeSigningConfigArn":"`+signingARN(none)+`"`)).wantError(t, 404, "CodeSigningConfigNotFoundException", noConfig)
	s.create("f", `,"CodeSigningConfigArn":"`+arn+`"`) // Warn
	s.do("GET", attached, "").want(t, 200, `{"CodeSigningConfigArn":"`+arn+`","FunctionName":"f"}`)
	s.do("GET", config+"/functions", "").want(t, 200, `{"FunctionArns":["`+fnARN+`f"]}`)
	s.do("DELETE", config, "").wantError(t, 409, "ResourceConflictException",
		`{"Type":"User","message":"The code signing configuration cannot be deleted because it is attached to functions: f"}`)

	before := s.settle("f").Config.RevisionID
	s.do("PUT", config, `{"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Enforce"}}`)
	code := `{"ZipFile":"` + zip64 + `"}`
	s.do("PUT", fns+"/f/code", code).wantError(t, 400, verification, unsigned)
	s.do("PUT", fns+"/f/code", code[:len(code)-1]+`,"DryRun":true}`).wantError(t, 400, verification, unsigned)
	s.do("PUT", fns+"/f/configuration", `{"Layers":["`+layerARN+`l:1"]}`).wantError(t, 400, verification, unsigned)
	if f := s.settle("f"); f.Config.RevisionID != before {
		t.Error("what was refused changed the function")
	}
	if a := s.do("PUT", fns+"/f/configuration", `{"Timeout":9}`); a.status != 200 {
		t.Errorf("configuration alone: %d %s", a.status, a.body)
	}
	s.settle("f")
	s.do("POST", fns, createBody("g", `,"CodeSigningConfigArn":"`+arn+`"`)).wantError(t, 400, verification, strings.Replace(unsigned, "for f.", "for g.", 1))

	for range 2 {
		s.do("DELETE", attached, "").want(t, 204, "")
	}
	s.do("GET", attached, "").want(t, 200, `{"FunctionName":"f"}`)
	if a := s.do("PUT", fns+"/f/code", code); a.status != 200 {
		t.Errorf("without a configuration: %d %s", a.status, a.body)
	}
	s.settle("f")
	s.do("PUT", attached, `{"CodeSigningConfigArn":"`+signingARN(none)+`"}`).wantError(t, 404, "CodeSigningConfigNotFoundException", noConfig)
	s.do("PUT", attached, `{"CodeSigningConfigArn":"`+arn+`"}`).want(t, 200, `{"CodeSigningConfigArn":"`+arn+`","FunctionName":"f"}`)
	s.do("PUT", "/2020-06-30/functions/none/code-signing-config", `{"CodeSigningConfigArn":"`+arn+`"}`).wantError(t, 404, "ResourceNotFoundException",
		`{"Type":"User","Message":"Function not found: `+fnARN+`none"}`)
	s.do("DELETE", fns+"/f", "").want(t, 204, "")
	s.do("GET", config+"/functions", "").want(t, 200, `{"FunctionArns":[]}`)
	s.do("DELETE", config, "").want(t, 204, "")
}

func TestFunctionsByCodeSigningConfigInPages(t *testing.T) {
	s := newServer(t)
	arn := signingARN(s.newSigning(""))
	for _, name := range []string{"a", "b", "c", "d"} {
		s.seed(name)
		if name != "b" {
			if err := s.functions.SetCodeSigning(t.Context(), mine, name, arn); err != nil {
				t.Fatal(err)
			}
		}
	}
	path := signingConfigs + "/" + url.PathEscape(arn) + "/functions"
	var page struct{ NextMarker string }
	a := s.do("GET", path+"?MaxItems=2", "")
	if err := json.Unmarshal([]byte(a.body), &page); err != nil {
		t.Fatal(err)
	}
	a.want(t, 200, `{"NextMarker":"`+page.NextMarker+`","FunctionArns":["`+fnARN+`a","`+fnARN+`c"]}`)
	s.do("GET", path+"?MaxItems=2&Marker="+page.NextMarker, "").want(t, 200, `{"FunctionArns":["`+fnARN+`d"]}`)
}
