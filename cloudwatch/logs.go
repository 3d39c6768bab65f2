package cloudwatch

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// Logs answers calls. Its methods may be called concurrently.
type Logs struct {
	store  *store.Logs
	region string
	tails  chan struct{} // a token for each live tail
}

// New returns Logs over a store. region goes into ARNs.
func New(s *store.Logs, region string) *Logs {
	return &Logs{store: s, region: region, tails: make(chan struct{}, maxTails)}
}

// call is one request.
type call struct {
	*Logs
	ctx     context.Context //nolint:containedctx // lives as long as the call
	account string
}

// operations are those that Answer knows. Each decodes its request from body and returns its answer; nil is {}.
var operations = map[string]func(*call, []byte) (any, error){
	"CreateLogGroup":        with((*call).createLogGroup),
	"DeleteLogGroup":        with((*call).deleteLogGroup),
	"DescribeLogGroups":     with((*call).describeLogGroups),
	"CreateLogStream":       with((*call).createLogStream),
	"DeleteLogStream":       with((*call).deleteLogStream),
	"DescribeLogStreams":    with((*call).describeLogStreams),
	"PutLogEvents":          with((*call).putLogEvents),
	"GetLogEvents":          with((*call).getLogEvents),
	"FilterLogEvents":       with((*call).filterLogEvents),
	"PutRetentionPolicy":    with((*call).putRetentionPolicy),
	"DeleteRetentionPolicy": with((*call).deleteRetentionPolicy),
	"TagResource":           with((*call).tagResource),
	"UntagResource":         with((*call).untagResource),
	"ListTagsForResource":   with((*call).listTagsForResource),
	"TagLogGroup":           with((*call).tagLogGroup),
	"UntagLogGroup":         with((*call).untagLogGroup),
	"ListTagsLogGroup":      with((*call).listTagsLogGroup),
}

// Operations returns the names of all operations of CloudWatch Logs that there are, sorted.
func Operations() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(operations)), "StartLiveTail")))
}

// with decodes the request of an operation.
func with[In any](do func(*call, *In) (any, error)) func(*call, []byte) (any, error) {
	return func(c *call, body []byte) (any, error) {
		var in In
		if err := decode(body, &in); err != nil {
			return nil, err
		}
		return do(c, &in)
	}
}

func decode(body []byte, in any) error {
	if len(body) == 0 {
		body = []byte("{}")
	}
	if err := json.Unmarshal(body, in); err != nil {
		return lambda.Errorf(lambda.KindInvalid, "The request body is not valid: %s", err)
	}
	return nil
}

// Answer answers a call of an operation but StartLiveTail with the JSON text of its answer.
func (l *Logs) Answer(ctx context.Context, account, operation string, body []byte) ([]byte, error) {
	do, ok := operations[operation]
	if !ok {
		return nil, lambda.Errorf(lambda.KindNotImplemented, "The operation %.64s of CloudWatch Logs is not implemented by Thaw", operation)
	}
	answer, err := do(&call{l, ctx, account}, body)
	if err != nil {
		return nil, explain(err)
	}
	if answer == nil {
		return []byte("{}"), nil
	}
	return encode(answer)
}

func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), err
}

// explain gives the store's errors the texts of the service.
func explain(err error) error {
	for sentinel, e := range map[error]*lambda.Error{
		store.ErrNoLogGroup:      {Kind: lambda.KindNotFound, Msg: "The specified log group does not exist."},
		store.ErrNoLogStream:     {Kind: lambda.KindNotFound, Msg: "The specified log stream does not exist."},
		store.ErrLogGroupExists:  {Kind: lambda.KindConflict, Msg: "The specified log group already exists"},
		store.ErrLogStreamExists: {Kind: lambda.KindConflict, Msg: "The specified log stream already exists"},
		store.ErrBadToken:        {Kind: lambda.KindInvalid, Msg: "The specified nextToken is invalid."},
	} {
		if errors.Is(err, sentinel) {
			return e
		}
	}
	return err
}

var (
	groupName  = regexp.MustCompile(`^[.\-_/#A-Za-z0-9]{1,512}$`)
	streamName = regexp.MustCompile(`^[^:*]{1,512}$`)
)

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.KindInvalid, format, args...)
}

func checkGroup(name string) error {
	if !groupName.MatchString(name) {
		return invalid("1 validation error detected: Value '%.512s' at 'logGroupName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [\\.\\-_/#A-Za-z0-9]+ and have length between 1 and 512", name)
	}
	return nil
}

func checkStream(name string) error {
	if !streamName.MatchString(name) {
		return invalid("1 validation error detected: Value '%.512s' at 'logStreamName' failed to satisfy constraint: "+
			"Member must satisfy regular expression pattern: [^:*]* and have length between 1 and 512", name)
	}
	return nil
}

// group is the group that a request names, by name or by identifier, which is a name or an ARN of the caller's.
func (c *call) group(name, identifier string) (string, error) {
	switch {
	case name != "" && identifier != "":
		return "", invalid("Only one of logGroupName and logGroupIdentifier can be specified")
	case name == "" && identifier == "":
		return "", invalid("One of logGroupName and logGroupIdentifier must be specified")
	case identifier != "":
		return c.identified(identifier)
	}
	return name, checkGroup(name)
}

// identified is the group of an identifier. Those of other accounts and regions are not found.
func (c *call) identified(identifier string) (string, error) {
	if !strings.HasPrefix(identifier, "arn:") {
		return identifier, checkGroup(identifier)
	}
	part := strings.SplitN(identifier, ":", 7)
	if len(part) != 7 || part[2] != "logs" || part[5] != "log-group" {
		return "", invalid("%.256s is not the ARN of a log group", identifier)
	}
	if part[3] != c.region || part[4] != c.account {
		return "", store.ErrNoLogGroup
	}
	name := strings.TrimSuffix(part[6], ":*")
	return name, checkGroup(name)
}

// arn is the ARN of a group.
func (c *call) arn(group string) string {
	return "arn:aws:logs:" + c.region + ":" + c.account + ":log-group:" + group
}

// millis is a time as the API has it; 0 for the zero time.
func millis(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// maxMillis is the latest time that makes sense, in the year 9999.
const maxMillis = 253402300799999

// moment undoes millis: nil restricts nothing.
func moment(ms *int64) (time.Time, error) {
	if ms == nil {
		return time.Time{}, nil
	}
	if *ms < 0 || *ms > maxMillis {
		return time.Time{}, invalid("The timestamp %d is out of range", *ms)
	}
	return time.UnixMilli(*ms), nil
}

// span reads the bounds of a query.
func span(start, end *int64) (from, to time.Time, err error) {
	if from, err = moment(start); err == nil {
		to, err = moment(end)
	}
	return from, to, err
}

// limited checks a limit; nil is 0.
func limited(limit *int, most int) (int, error) {
	switch {
	case limit == nil:
		return 0, nil
	case *limit < 1 || *limit > most:
		return 0, invalid("1 validation error detected: Value '%d' at 'limit' failed to satisfy constraint: "+
			"Member must have value between 1 and %d", *limit, most)
	}
	return *limit, nil
}
