package cloudwatch_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/cloudwatch"
	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	account = "000000000000"
	group   = "/aws/lambda/f"
)

func open(t testing.TB) (*cloudwatch.Logs, *store.Logs) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return cloudwatch.New(s.Logs(), "us-east-1"), s.Logs()
}

// An event is sent to a live tail well within a second after it was logged.
func TestLiveTailIsQuick(t *testing.T) {
	t.Parallel()
	l, logs := open(t)
	if err := logs.CreateGroup(t.Context(), account, group, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	tail, err := l.StartLiveTail(ctx, account, []byte(`{"logGroupIdentifiers":["`+group+`"],"logEventFilterPattern":"n="}`))
	if err != nil {
		t.Fatal(err)
	}
	messages, ended := make(chan string, 100), make(chan error, 1)
	go func() { // ends with ctx
		ended <- tail.Run("id", func(m []byte) error {
			messages <- string(m)
			return nil
		})
	}()
	for i, want := range []string{"initial-response", "sessionStart"} {
		if m := <-messages; !strings.Contains(m, want) {
			t.Fatalf("message %d: %q", i, m)
		}
	}
	const events = 10
	took := make([]time.Duration, events)
	for i := range took {
		begin := time.Now()
		logs.Append(account, group, "s", []store.LogEvent{{Message: "not this: x"}, {Message: fmt.Sprintf("n=%d.", i)}})
		for m := range messages {
			if strings.Contains(m, fmt.Sprintf("n=%d.", i)) {
				if strings.Contains(m, "not this") {
					t.Errorf("got %q", m)
				}
				break
			}
		}
		took[i] = time.Since(begin)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	slices.Sort(took)
	t.Logf("p50 %v, longest %v", took[events/2], took[events-1])
	if took[events/2] > time.Second {
		t.Errorf("half of the events took more than %v", took[events/2])
	}
}

func TestLiveTailsAreCounted(t *testing.T) {
	t.Parallel()
	l, logs := open(t)
	if err := logs.CreateGroup(t.Context(), account, group, nil); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	request := []byte(`{"logGroupIdentifiers":["` + group + `"]}`)
	var tails []*cloudwatch.Tail
	for {
		tail, err := l.StartLiveTail(ctx, account, request)
		if lambda.KindOf(err) == lambda.KindThrottled {
			break
		}
		if err != nil || len(tails) > 1000 {
			t.Fatal(len(tails), err)
		}
		tails = append(tails, tail)
	}
	gone := errors.New("gone")
	for _, tail := range tails {
		if err := tail.Run("id", func([]byte) error { return gone }); !errors.Is(err, gone) {
			t.Error(err)
		}
	}
	tail, err := l.StartLiveTail(ctx, account, request)
	if err != nil {
		t.Fatalf("after all ended: %v", err)
	}
	_ = tail.Run("id", func([]byte) error { return gone })
}

func TestAccountsSeeTheirOwn(t *testing.T) {
	t.Parallel()
	l, _ := open(t)
	ask := func(account, operation, body string) (string, error) {
		b, err := l.Answer(t.Context(), account, operation, []byte(body))
		return string(b), err
	}
	if _, err := ask(account, "CreateLogGroup", `{"logGroupName":"`+group+`"}`); err != nil {
		t.Fatal(err)
	}
	const other = "111111111111"
	named, arn := `"logGroupName":"`+group+`"`, "arn:aws:logs:us-east-1:"+account+":log-group:"+group
	for operation, body := range map[string]string{
		"DeleteLogGroup": "{" + named + "}", "DescribeLogStreams": "{" + named + "}", "FilterLogEvents": `{"logGroupIdentifier":"` + arn + `"}`,
		"CreateLogStream": "{" + named + `,"logStreamName":"s"}`, "GetLogEvents": "{" + named + `,"logStreamName":"s"}`,
		"PutRetentionPolicy": "{" + named + `,"retentionInDays":1}`, "DeleteRetentionPolicy": "{" + named + "}",
		"TagResource": `{"resourceArn":"` + arn + `","tags":{"a":"b"}}`, "ListTagsForResource": `{"resourceArn":"` + arn + `"}`,
		"ListTagsLogGroup": "{" + named + "}", "PutLogEvents": "{" + named + `,"logStreamName":"s","logEvents":[{"timestamp":1,"message":"m"}]}`,
	} {
		if _, err := ask(other, operation, body); lambda.KindOf(err) != lambda.KindNotFound {
			t.Errorf("%s: %v", operation, err)
		}
	}
	if got, err := ask(other, "DescribeLogGroups", "{}"); err != nil || got != `{"logGroups":[]}` {
		t.Errorf("groups: %s, %v", got, err)
	}
}

// FuzzAnswer sends requests of tenants: each is answered, or refused as the caller's fault.
func FuzzAnswer(f *testing.F) {
	l, logs := open(f)
	logs.Append(account, group, "s", []store.LogEvent{{Message: "m"}})
	f.Add("FilterLogEvents", `{"logGroupName":"`+group+`","filterPattern":"{ $.a = 1 }","limit":5,"startTime":-1}`)
	f.Add("GetLogEvents", `{"logGroupName":"`+group+`","logStreamName":"s","nextToken":"f/MS4xLjA"}`)
	f.Add("DescribeLogStreams", `{"logGroupName":"`+group+`","orderBy":"LastEventTime","nextToken":"eA"}`)
	f.Add("PutLogEvents", `{"logGroupName":"`+group+`","logStreamName":"s","logEvents":[{"timestamp":9e15,"message":"x"}]}`)
	f.Fuzz(func(t *testing.T, operation, body string) {
		answer, err := l.Answer(t.Context(), account, operation, []byte(body))
		switch {
		case err != nil && lambda.KindOf(err) == lambda.KindInternal:
			t.Errorf("%s %s: %v", operation, body, err)
		case err == nil && !json.Valid(answer):
			t.Errorf("%s %s: %s", operation, body, answer)
		}
	})
}
