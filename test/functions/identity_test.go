package functions_test

import (
	"fmt"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/ops"
)

// caller is a Python function that signs requests of its own with the credentials it has, as an SDK does.
const caller = `
import hashlib, hmac, json, os, time, urllib.parse, urllib.request, urllib.error
def credentials():
    if "AWS_ACCESS_KEY_ID" in os.environ:
        return os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_SECRET_ACCESS_KEY"], os.environ["AWS_SESSION_TOKEN"]
    r = urllib.request.Request(os.environ["AWS_CONTAINER_CREDENTIALS_FULL_URI"], headers={"Authorization": os.environ["AWS_CONTAINER_AUTHORIZATION_TOKEN"]})
    c = json.load(urllib.request.urlopen(r, timeout=50))
    return c["AccessKeyId"], c["SecretAccessKey"], c["Token"]
def mac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()
def call(service, path, body, headers={}):
    key, secret, token = credentials()
    base = os.environ["AWS_ENDPOINT_URL_" + {"sts": "STS", "iam": "STS", "lambda": "LAMBDA", "logs": "LOGS"}[service]]
    now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
    h = dict(headers, **{"host": base[len("http://"):], "x-amz-date": now, "x-amz-security-token": token})
    names = ";".join(sorted(h))
    canonical = "\n".join(["POST", urllib.parse.quote(path, safe="/~"), ""] + [n + ":" + h[n] for n in sorted(h)] + ["", names, hashlib.sha256(body.encode()).hexdigest()])
    scope = "/".join([now[:8], os.environ["AWS_REGION"], service, "aws4_request"])
    k = ("AWS4" + secret).encode()
    for part in scope.split("/"):
        k = mac(k, part)
    text = "\n".join(["AWS4-HMAC-SHA256", now, scope, hashlib.sha256(canonical.encode()).hexdigest()])
    h["Authorization"] = "AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s" % (key, scope, names, mac(k, text).hex())
    try:
        r = urllib.request.urlopen(urllib.request.Request(base + path, body.encode(), h), timeout=50)
        return [r.status, r.read().decode()]
    except urllib.error.HTTPError as e:
        return [e.code, e.read().decode()]
def handler(e, c):
    if "get" in e:
        try:
            return [urllib.request.urlopen(urllib.request.Request(e["get"], headers=e.get("headers", {})), timeout=50).status, ""]
        except urllib.error.HTTPError as x:
            return [x.code, ""]
        except OSError as x:
            return [0, str(x)]
    if e.get("env"):
        return [0, " ".join(sorted(k for k in os.environ if k.startswith("AWS_")))]
    return call(e["service"], e["path"], e.get("body", ""), e.get("headers", {}))
`

const stsForm = `"path":"/","headers":{"content-type":"application/x-www-form-urlencoded"}`

// deployCaller deploys caller and something that it may call, and returns what asks it.
func deployCaller(t *testing.T, s *thawtest.Server) (name string, ask func(event string) (status int, body string)) {
	t.Helper()
	name = s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": caller}})
	return name, func(event string) (int, string) {
		t.Helper()
		var got []any
		s.Result(t, name, event, &got)
		return int(got[0].(float64)), got[1].(string)
	}
}

func wantAnswer(t *testing.T, what string, status int, body string, wantStatus int, want string) {
	t.Helper()
	if status != wantStatus || !strings.Contains(body, want) {
		t.Errorf("%s: %d %s\nwant %d …%s…", what, status, body, wantStatus, want)
	}
}

// TestFunctionsHaveTheirRole: a function is a session of its execution role, reaches the server's API, and may do there
// what its role may.
func TestFunctionsHaveTheirRole(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name, ask := deployCaller(t, s)
	status, body := ask(`{"service":"sts",` + stsForm + `,"body":"Action=GetCallerIdentity&Version=2011-06-15"}`)
	wantAnswer(t, "GetCallerIdentity", status, body, 200, "<Arn>arn:aws:sts::000000000000:assumed-role/test/"+name+"</Arn>")

	invoke := func(function string) string {
		return fmt.Sprintf(`{"service":"lambda","path":"/2015-03-31/functions/%s/invocations","body":"{\"env\":true}"}`, function)
	}
	status, body = ask(invoke(name))
	wantAnswer(t, "invoke a function of its account", status, body, 200, "AWS_SESSION_TOKEN")
	status, body = ask(`{"service":"lambda","path":"/2015-03-31/functions/` + name + `/versions","body":"{}"}`)
	wantAnswer(t, "publish a version", status, body, 403, "lambda:PublishVersion")
	status, body = ask(`{"service":"iam",` + stsForm + `,"body":"Action=CreateRole&Version=2010-05-08&RoleName=x"}`)
	wantAnswer(t, "create a role", status, body, 403, "iam:CreateRole")
	status, body = ask(`{"service":"logs","path":"/","headers":{"content-type":"application/x-amz-json-1.1","x-amz-target":"Logs_20140328.FilterLogEvents"},"body":"{\"logGroupName\":\"g\"}"}`)
	wantAnswer(t, "read logs", status, body, 400, "logs:FilterLogEvents")
	status, body = ask(invoke("arn:aws:lambda:us-east-1:111111111111:function:" + name))
	wantAnswer(t, "invoke another account's function", status, body, 403, "not authorized to perform: lambda:InvokeFunction")

	for url, want := range map[string]int{
		"http://169.254.100.2/healthz":                     200,
		"http://169.254.100.2:81/healthz":                  0,
		"http://169.254.100.3/healthz":                     0,
		"http://169.254.169.254/latest/meta-data/":         0,
		"http://169.254.170.2/2021-04-23/credentials":      403, // without the word
		"http://169.254.170.2/":                            404,
		"http://" + s.Endpoint()[len("http://"):] + "/any": 0,
	} {
		if status, text := ask(`{"get":"` + url + `"}`); status != want {
			t.Errorf("%s: %d %s, want %d", url, status, text, want)
		}
	}

	// Disabled, nothing of the account works any more.
	c := ops.NewClient(s.Dir)
	defer c.Close()
	if err := c.DisableAccount(t.Context(), "000000000000", true); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Invoke(t.Context(), client.InvokeInput{Function: name}); !client.IsCode(err, "UnrecognizedClientException") {
		t.Errorf("with the key of a disabled account: %v", err)
	}
}

// TestCredentialsWithSnapStart: copies of a snapshot have no credentials in it, and fetch their own.
func TestCredentialsWithSnapStart(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	name, _ := deployCaller(t, s)
	in := client.UpdateFunctionConfigurationInput{SnapStart: &client.SnapStart{ApplyOn: "PublishedVersions"}}
	if _, err := s.UpdateFunctionConfiguration(t.Context(), name, in); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	v, err := s.PublishVersion(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	if v, err = s.WaitActive(t.Context(), name+":"+v.Version); err != nil || v.State != "Active" {
		t.Fatalf("%+v, %v", v, err)
	}
	var got []any
	s.Result(t, name+":1", `{"env":true}`, &got)
	if names := got[1].(string); strings.Contains(names, "AWS_ACCESS_KEY_ID") || !strings.Contains(names, "AWS_CONTAINER_CREDENTIALS_FULL_URI") {
		t.Errorf("variables: %s", names)
	}
	s.Result(t, name+":1", `{"service":"sts",`+stsForm+`,"body":"Action=GetCallerIdentity&Version=2011-06-15"}`, &got)
	wantAnswer(t, "GetCallerIdentity", int(got[0].(float64)), got[1].(string), 200, "assumed-role/test/"+name)
	if e := s.Status().Environments; len(e) == 0 || e[0].Source != "snapshot" {
		t.Errorf("environments: %+v", e)
	}
}
