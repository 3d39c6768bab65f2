package gateway_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"thaw.dev/thaw/gateway"
)

// anyLogs answers whatever is asked.
type anyLogs struct{}

func (anyLogs) Answer(context.Context, string, string, []byte) ([]byte, error) {
	return []byte("{}"), nil
}

func (anyLogs) StartLiveTail(context.Context, string, []byte) (gateway.Tail, error) {
	return nil, errors.New("this double does not tail")
}

// Roles reach the log groups that their policies name, and no others.
func TestLogsAreAuthorised(t *testing.T) {
	s := newServer(t, func(_ *server, o *gateway.Options) { o.Logs = anyLogs{} }, identities(t, statements(
		`{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:PutLogEvents","logs:StartLiveTail"],"Resource":"arn:aws:logs:us-east-1:`+mine+`:log-group:/aws/lambda/f:*"}`)))
	ask := func(operation, body, who string) answer {
		return s.do("POST", "/", body, "X-Amz-Target: Logs_20140328."+operation, "Authorization: Test "+mine+" logs"+who)
	}
	for _, c := range []struct {
		operation, body, who string
		status               int
	}{
		{"PutLogEvents", `{"logGroupName":"/aws/lambda/f","logStreamName":"s"}`, " app", 200},
		{"CreateLogGroup", `{"logGroupName":"/aws/lambda/f"}`, " app", 200},
		{"PutLogEvents", `{"logGroupName":"/aws/lambda/g","logStreamName":"s"}`, " app", 400},
		{"FilterLogEvents", `{"logGroupIdentifier":"arn:aws:logs:us-east-1:` + mine + `:log-group:/aws/lambda/f:*"}`, " app", 400},
		{"StartLiveTail", `{"logGroupIdentifiers":["/aws/lambda/f","/aws/lambda/g"]}`, " app", 400},
		{"DescribeLogGroups", `{}`, " app", 400},
		{"PutLogEvents", `{"logGroupName":"/aws/lambda/f","logStreamName":"s"}`, " other", 400},
		{"DescribeLogGroups", `{}`, "", 200},
	} {
		a := ask(c.operation, c.body, c.who)
		if a.status != c.status || c.status == 400 && !strings.Contains(a.body, "AccessDeniedException") {
			t.Errorf("%s %s of%s: %d %s", c.operation, c.body, c.who, a.status, a.body)
		}
	}
}
