package gateway_test

import (
	"context"
	"strings"
	"testing"

	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/lambda"
)

// answerer is CloudWatch Logs that answers with what it was asked.
type answerer struct{}

func (answerer) Answer(_ context.Context, account, operation string, _ []byte) ([]byte, error) {
	switch operation {
	case "NotFound":
		return nil, lambda.Errorf(lambda.KindNotFound, "none")
	case "Exists":
		return nil, lambda.Errorf(lambda.KindConflict, "there is one")
	case "Invalid":
		return nil, lambda.Errorf(lambda.KindInvalid, "wrong")
	}
	return []byte(`{"account":"` + account + `"}`), nil
}

func (answerer) StartLiveTail(context.Context, string, []byte) (gateway.Tail, error) {
	return nil, lambda.Errorf(lambda.KindThrottled, "too many")
}

func TestCloudWatchLogs(t *testing.T) {
	only := `{"Effect":"Allow","Action":"logs:*","Resource":"arn:aws:logs:us-east-1:` + mine + `:log-group:/mine:*"},` +
		`{"Effect":"Deny","Action":"logs:Delete*","Resource":"*"}`
	s := newServer(t, identities(t, statements(only)), func(_ *server, o *gateway.Options) { o.Logs = answerer{} })
	const root = "Authorization: Test " + mine + " logs"
	role := "Authorization: Test " + mine + " logs app"
	for _, test := range []struct {
		operation, body, who string
		status               int
		want                 string
	}{
		{"DescribeLogGroups", "{}", root, 200, `{"account":"` + mine + `"}`},
		{"NotFound", "{}", root, 400, `{"__type":"ResourceNotFoundException","message":"none"}`},
		{"Exists", "{}", root, 400, `{"__type":"ResourceAlreadyExistsException","message":"there is one"}`},
		{"Invalid", "{}", root, 400, `{"__type":"InvalidParameterException","message":"wrong"}`},
		{"StartLiveTail", "{}", root, 400, `{"__type":"LimitExceededException","message":"too many"}`},
		{"FilterLogEvents", `{"logGroupName":"/mine"}`, role, 200, mine},
		{"PutLogEvents", `{"logGroupName":"/mine","logStreamName":"s"}`, role, 200, mine},
		{"FilterLogEvents", `{"logGroupIdentifier":"arn:aws:logs:us-east-1:` + mine + `:log-group:/mine"}`, role, 200, mine},
		{"FilterLogEvents", `{"logGroupName":"/other"}`, role, 400, "AccessDeniedException"},
		{"StartLiveTail", `{"logGroupIdentifiers":["/mine","/other"]}`, role, 400, "AccessDeniedException"},
		{"DeleteLogGroup", `{"logGroupName":"/mine"}`, role, 400, "AccessDeniedException"},
		{"DescribeLogGroups", "", role, 400, "AccessDeniedException"},
	} {
		a := s.do("POST", "/", test.body, test.who, "X-Amz-Target: Logs_20140328."+test.operation)
		if a.status != test.status || !strings.Contains(a.body, test.want) {
			t.Errorf("%s %s: %d %s", test.operation, test.body, a.status, a.body)
		}
	}
}
