package destination_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/destination"
	"thaw.dev/thaw/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	account = "000000000000"
	record  = `{"version":"1.0","text":"<&> ü"}`
)

// service is an AWS service that verifies signatures and keeps what it was sent.
type service struct {
	*httptest.Server
	keys destination.Credentials

	mu       sync.Mutex
	requests []received
	answer   func(w http.ResponseWriter, r *received) // nil: what AWS says
}

type received struct {
	method, path, target, contentType, body string
}

func serve(t *testing.T, name string) *service {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	keys, err := auth.OpenKeys(path, account)
	if err != nil {
		t.Fatal(err)
	}
	verifier := auth.NewVerifier(auth.Options{Keys: keys, Region: "us-east-1", Services: []string{name}})
	s := &service{keys: destination.Credentials{AccessKeyID: keys.Default().AccessKeyID, SecretAccessKey: keys.Default().SecretAccessKey}}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		if _, err := verifier.Verify(r, body); err != nil {
			t.Errorf("signature: %v", err)
			http.Error(w, err.Error(), http.StatusForbidden)
			return
		}
		if name == "s3" && r.Header.Get("X-Amz-Content-Sha256") == "" {
			t.Error("no hash of the body")
		}
		got := received{r.Method, r.URL.EscapedPath(), r.Header.Get("X-Amz-Target"), r.Header.Get("Content-Type"), string(body)}
		s.mu.Lock()
		s.requests = append(s.requests, got)
		answer := s.answer
		s.mu.Unlock()
		if answer != nil {
			answer(w, &got)
			return
		}
		switch got.target {
		case "AmazonSQS.GetQueueUrl":
			fmt.Fprintf(w, `{"QueueUrl":"%s/000000000000/q"}`, s.URL)
		case "AmazonSQS.SendMessage":
			fmt.Fprint(w, `{"MessageId":"m-1"}`)
		case "AWSEvents.PutEvents":
			fmt.Fprint(w, `{"FailedEntryCount":0,"Entries":[{"EventId":"e-1"}]}`)
		}
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *service) got() []received {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]received(nil), s.requests...)
}

func (s *service) endpoint() destination.Endpoint {
	return destination.Endpoint{URL: s.URL, Credentials: s.keys}
}

func sender(t *testing.T, o destination.Options) *destination.Sender {
	t.Helper()
	s, err := destination.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

func message(target string) *destination.Message {
	return &destination.Message{
		Target: target, RequestID: "8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11", Function: "f",
		FunctionARN: "arn:aws:lambda:us-east-1:000000000000:function:f:$LATEST", Body: []byte(record),
		Time: time.Date(2026, 1, 31, 12, 34, 56, 789e6, time.UTC),
	}
}

func deadLetter(target string) *destination.Message {
	m := message(target)
	m.DeadLetter, m.ErrorCode, m.ErrorMessage = true, 200, "it & broke"
	return m
}

func TestQueue(t *testing.T) {
	t.Parallel()
	svc := serve(t, "sqs")
	s := sender(t, destination.Options{SQS: svc.endpoint()})
	const arn = "arn:aws:sqs:us-east-1:000000000000:q"
	for _, m := range []*destination.Message{message(arn), deadLetter(arn)} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	got := svc.got()
	if len(got) != 3 || got[0].target != "AmazonSQS.GetQueueUrl" || got[0].body != `{"QueueName":"q","QueueOwnerAWSAccountId":"000000000000"}` {
		t.Fatalf("requests %+v", got)
	}
	for i, r := range got[1:] {
		var body struct {
			QueueUrl, MessageBody string //nolint:revive,staticcheck // the API's spelling
			MessageAttributes     map[string]struct{ DataType, StringValue string }
		}
		if err := json.Unmarshal([]byte(r.body), &body); err != nil {
			t.Fatal(err)
		}
		if r.target != "AmazonSQS.SendMessage" || r.contentType != "application/x-amz-json-1.0" || body.MessageBody != record || body.QueueUrl != svc.URL+"/000000000000/q" {
			t.Errorf("request %+v", r)
		}
		want := "map[]"
		if i == 1 {
			want = "map[ErrorCode:{Number 200} ErrorMessage:{String it & broke} RequestID:{String 8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11}]"
		}
		if text := fmt.Sprint(body.MessageAttributes); text != want {
			t.Errorf("attributes %s, want %s", text, want)
		}
	}
}

func TestTopic(t *testing.T) {
	t.Parallel()
	svc := serve(t, "sns")
	s := sender(t, destination.Options{SNS: svc.endpoint()})
	const arn = "arn:aws:sns:us-east-1:000000000000:t"
	if err := s.Send(t.Context(), deadLetter(arn)); err != nil {
		t.Fatal(err)
	}
	r, _ := http.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(svc.got()[0].body))
	r.Header.Set("Content-Type", svc.got()[0].contentType)
	if err := r.ParseForm(); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"Action": "Publish", "Version": "2010-03-31", "TopicArn": arn, "Message": record,
		"MessageAttributes.entry.1.Name": "RequestID", "MessageAttributes.entry.1.Value.DataType": "String", "MessageAttributes.entry.1.Value.StringValue": "8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11",
		"MessageAttributes.entry.2.Name": "ErrorCode", "MessageAttributes.entry.2.Value.DataType": "Number", "MessageAttributes.entry.2.Value.StringValue": "200",
		"MessageAttributes.entry.3.Name": "ErrorMessage", "MessageAttributes.entry.3.Value.DataType": "String", "MessageAttributes.entry.3.Value.StringValue": "it & broke",
	}
	for key, value := range want {
		if r.PostForm.Get(key) != value {
			t.Errorf("%s is %q, want %q", key, r.PostForm.Get(key), value)
		}
	}
	if len(r.PostForm) != len(want) {
		t.Errorf("form %v", r.PostForm)
	}
}

func TestBus(t *testing.T) {
	t.Parallel()
	svc := serve(t, "events")
	s := sender(t, destination.Options{Events: svc.endpoint()})
	const arn = "arn:aws:events:us-east-1:000000000000:event-bus/b"
	failure, success := message(arn), message(arn)
	success.Success = true
	for _, m := range []*destination.Message{failure, success} {
		if err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
	for i, kind := range []string{"Failure", "Success"} {
		r := svc.got()[i]
		var body struct{ Entries []map[string]any }
		if err := json.Unmarshal([]byte(r.body), &body); err != nil {
			t.Fatal(err)
		}
		e := body.Entries[0]
		if r.target != "AWSEvents.PutEvents" || e["Source"] != "lambda" || e["DetailType"] != "Lambda Function Invocation Result - "+kind || e["Detail"] != record ||
			e["EventBusName"] != arn || e["Time"] != 1769862896.789 || fmt.Sprint(e["Resources"]) != "["+failure.FunctionARN+" "+arn+"]" {
			t.Errorf("entry %+v", e)
		}
	}
	svc.answer = func(w http.ResponseWriter, _ *received) {
		fmt.Fprint(w, `{"FailedEntryCount":1,"Entries":[{"ErrorCode":"InternalFailure","ErrorMessage":"no"}]}`)
	}
	if err := s.Send(t.Context(), failure); err == nil || !strings.Contains(err.Error(), "InternalFailure") {
		t.Errorf("an entry that failed: %v", err)
	}
}

func TestBucket(t *testing.T) {
	t.Parallel()
	svc := serve(t, "s3")
	s := sender(t, destination.Options{S3: svc.endpoint(), S3Region: "us-east-1"})
	if err := s.Send(t.Context(), message("arn:aws:s3:::records")); err != nil {
		t.Fatal(err)
	}
	r := svc.got()[0]
	if want := "/records/aws/lambda/async/f/2026/01/31/2026-01-31T12.34.56-8f14e45f-ceea-467f-a0e6-5f1d6e5f3c11"; r.method != "PUT" || r.path != want || r.body != record {
		t.Errorf("request %+v, want the path %s", r, want)
	}
}

// What a service says that is not success is an error, in bounded words; a redirect is not followed with a signature.
func TestFailures(t *testing.T) {
	t.Parallel()
	svc := serve(t, "sqs")
	s := sender(t, destination.Options{SQS: svc.endpoint()})
	const arn = "arn:aws:sqs:us-east-1:000000000000:q"
	for name, answer := range map[string]func(http.ResponseWriter, *received){
		"error": func(w http.ResponseWriter, _ *received) {
			http.Error(w, strings.Repeat("no ", 1<<20), http.StatusBadRequest)
		},
		"redirect": func(w http.ResponseWriter, _ *received) {
			w.Header().Set("Location", "/x")
			w.WriteHeader(http.StatusTemporaryRedirect)
		},
		"garbage": func(w http.ResponseWriter, _ *received) { fmt.Fprint(w, "{") },
		"nothing": func(http.ResponseWriter, *received) {},
		"no URL":  func(w http.ResponseWriter, _ *received) { fmt.Fprint(w, "{}") },
		"other message": func(w http.ResponseWriter, r *received) {
			fmt.Fprint(w, `{"QueueUrl":"x","MessageId":"1","MD5OfMessageBody":"0"}`)
		},
	} {
		svc.mu.Lock()
		svc.answer = answer
		svc.mu.Unlock()
		if err := s.Send(t.Context(), message(arn)); err == nil || len(err.Error()) > 2000 {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := s.Send(t.Context(), message("arn:aws:sns:us-east-1:000000000000:t")); !errors.Is(err, destination.ErrNoEndpoint) {
		t.Errorf("a service without an endpoint: %v", err)
	}
	large := message(arn)
	large.Body = []byte(`"` + strings.Repeat("x", 1<<20) + `"`)
	if err := s.Send(t.Context(), large); !errors.Is(err, destination.ErrTooLarge) {
		t.Errorf("a large message: %v", err)
	}
	if s.Reaches("sns") || !s.Reaches("sqs") {
		t.Error("wrong about what it reaches")
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	keys := destination.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}
	for _, bad := range []destination.Endpoint{{URL: "sqs.example.com", Credentials: keys}, {URL: "ftp://x", Credentials: keys}, {URL: "http://x/path", Credentials: keys}, {URL: "http://x"}} {
		if _, err := destination.New(destination.Options{SQS: bad}); err == nil {
			t.Errorf("%+v was taken", bad)
		}
	}
	path := filepath.Join(t.TempDir(), "credentials")
	if _, err := destination.ReadCredentials(path); err == nil {
		t.Error("no file was taken")
	}
	for text, fine := range map[string]bool{
		"# c\n[default]\naws_access_key_id = a\naws_secret_access_key=b=c\n": true,
		"[other]\naws_access_key_id = a\naws_secret_access_key=b\n":          false,
		"": false,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		c, err := destination.ReadCredentials(path)
		if (err == nil) != fine || fine && c != (destination.Credentials{AccessKeyID: "a", SecretAccessKey: "b=c"}) {
			t.Errorf("%q: %+v, %v", text, c, err)
		}
	}
}
