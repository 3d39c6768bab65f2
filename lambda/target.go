package lambda

import (
	"regexp"
	"strings"
)

// Target is where the record of an asynchronous invocation, or its event, goes.
type Target struct {
	Service         string // sqs, sns, events, s3 or lambda
	Region, Account string // "" for a bucket
	Name            string // of the queue, topic, event bus or bucket, or NAME[:QUALIFIER] of the function
}

// FIFO reports whether the target is a queue or topic that keeps an order.
func (t Target) FIFO() bool { return strings.HasSuffix(t.Name, ".fifo") }

var (
	targetARN    = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:(sqs|sns|events|lambda):([a-z]{2}(?:-[a-z]+)+-[0-9]):([0-9]{12}):(.{1,256})$`)
	bucketARN    = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:s3:::([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])$`)
	targetName   = regexp.MustCompile(`^[a-zA-Z0-9_.-]+$`)
	functionName = regexp.MustCompile(`^[a-zA-Z0-9_-]+(:(\$LATEST|[a-zA-Z0-9_-]+))?$`)
)

// ParseTarget reads the ARN of a queue, topic, event bus, bucket or function; false if it is none of them.
func ParseTarget(arn string) (Target, bool) {
	if m := bucketARN.FindStringSubmatch(arn); m != nil {
		return Target{Service: "s3", Name: m[1]}, true
	}
	m := targetARN.FindStringSubmatch(arn)
	if m == nil {
		return Target{}, false
	}
	t := Target{Service: m[1], Region: m[2], Account: m[3], Name: m[4]}
	form := targetName
	switch t.Service {
	case "events":
		t.Name, _ = strings.CutPrefix(t.Name, "event-bus/")
		if len(t.Name) == len(m[4]) {
			return Target{}, false
		}
	case "lambda":
		t.Name, _ = strings.CutPrefix(t.Name, "function:")
		if form = functionName; len(t.Name) == len(m[4]) {
			return Target{}, false
		}
	}
	return t, form.MatchString(t.Name)
}
