// Command bootstrap is a Go function for the tests of provided.al2023.
package main

import (
	"context"
	"time"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

type answer struct{ ARN, Deadline, Answer string }

func main() {
	lambda.Start(func(ctx context.Context, event struct{ Name string }) (answer, error) {
		if event.Name == "panic" {
			panic("on purpose")
		}
		lc, _ := lambdacontext.FromContext(ctx)
		deadline, _ := ctx.Deadline()
		return answer{lc.InvokedFunctionArn, deadline.Format(time.RFC3339), "hello " + event.Name}, nil
	})
}
