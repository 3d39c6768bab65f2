// Program streamfunction is a function with aws-lambda-go that streams its answer: first what the event says at once,
// then as many bytes as it says, then, if it says so, an error.
package main

import (
	"context"
	"errors"
	"io"
	"strings"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
)

type event struct {
	First string        `json:"first"`
	Pause time.Duration `json:"pause_ms"`
	Bytes int64         `json:"bytes"`
	Fail  string        `json:"fail"`
}

// zeros reads as that many zeros.
type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	clear(p)
	return len(p), nil
}

// later waits before it ends, or fails.
type later struct{ event }

func (l later) Read([]byte) (int, error) {
	time.Sleep(l.Pause * time.Millisecond)
	if l.Fail != "" {
		return 0, errors.New(l.Fail)
	}
	return 0, io.EOF
}

func main() {
	lambda.Start(func(_ context.Context, e event) (io.Reader, error) {
		return io.MultiReader(strings.NewReader(e.First), io.LimitReader(zeros{}, e.Bytes), later{e}), nil
	})
}
