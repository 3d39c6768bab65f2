package durable_test

import (
	"testing"

	"github.com/google/uuid"

	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

// FuzzAnswer: what a handler answers is one of three things, or refused.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{`{"Status":"PENDING"}`, `{"Status":"SUCCEEDED","Result":"1"}`, `{"Status":"FAILED","Error":{"ErrorMessage":"m","StackTrace":["l"]}}`, `[]`, `{"Status":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		status, err := durable.ParseAnswer(b, 1<<10)
		if ok := status == durable.Succeeded || status == durable.Failed || status == durable.Pending; ok != (err == nil) {
			t.Errorf("%q: %s, %v", b, status, err)
		}
	})
}

// FuzzNames: ids of callbacks and ARNs of executions are what they were made of, or refused.
func FuzzNames(f *testing.F) {
	f.Add("arn:aws:lambda:us-east-1:123456789012:function:f:$LATEST/durable-execution/n/i")
	f.Add("MDAwMDAwMDAtMDAwMC00MDAwLTgwMDAtMDAwMDAwMDAwMDAwAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA")
	f.Fuzz(func(t *testing.T, s string) {
		if id, ok := durable.ExecutionOf(s); ok && uuid.Validate(id) != nil {
			t.Errorf("%q is of execution %q", s, id)
		}
		if ref, ok := lambda.ParseExecutionARN(s); ok {
			if again, ok := lambda.ParseExecutionARN(ref.ARN()); !ok || again != ref {
				t.Errorf("%q is %+v, and that %+v", s, ref, again)
			}
		}
	})
}
