// Program stream is InvokeWithResponseStream with the AWS SDK for Go.
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func main() {
	if err := run(context.Background()); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// result is one whole answer.
type result struct {
	text  []byte
	first time.Time // when its first bytes came
	end   types.InvokeWithResponseStreamCompleteEvent
}

type client struct{ *lambda.Client }

func (c client) invoke(ctx context.Context, function, event string) (r result, err error) {
	out, err := c.InvokeWithResponseStream(ctx, &lambda.InvokeWithResponseStreamInput{
		FunctionName: &function, Payload: []byte(event), LogType: types.LogTypeTail,
	})
	if err != nil {
		return r, err
	}
	if v := aws.ToString(out.ExecutedVersion); v != "$LATEST" {
		return r, fmt.Errorf("version %q", v)
	}
	stream := out.GetStream()
	defer stream.Close()
	ended := false
	for e := range stream.Events() {
		switch e := e.(type) {
		case *types.InvokeWithResponseStreamResponseEventMemberPayloadChunk:
			if r.first.IsZero() {
				r.first = time.Now()
			}
			r.text = append(r.text, e.Value.Payload...)
		case *types.InvokeWithResponseStreamResponseEventMemberInvokeComplete:
			r.end, ended = e.Value, true
		}
	}
	if !ended {
		return r, fmt.Errorf("no end after %d bytes", len(r.text))
	}
	return r, stream.Err()
}

func run(ctx context.Context) error {
	settings, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	c := client{lambda.NewFromConfig(settings)}
	pause, err := c.invoke(ctx, "streams", `{"do":"pause"}`)
	if err != nil {
		return err
	}
	if string(pause.text) != "firstlast" || time.Since(pause.first) < 300*time.Millisecond || pause.end.ErrorCode != nil || pause.end.LogResult == nil {
		return fmt.Errorf("%q, first byte %s before the end, %+v", pause.text, time.Since(pause.first), pause.end)
	}
	failed, err := c.invoke(ctx, "streams", `{"do":"throw"}`)
	if err != nil {
		return err
	}
	if string(failed.text) != "first" || aws.ToString(failed.end.ErrorCode) != "RangeError" || !strings.Contains(aws.ToString(failed.end.ErrorDetails), "on purpose") {
		return fmt.Errorf("%q, %s %s", failed.text, aws.ToString(failed.end.ErrorCode), aws.ToString(failed.end.ErrorDetails))
	}
	large, err := c.invoke(ctx, "streams", `{"do":"large","mb":25}`)
	if err != nil {
		return err
	}
	if !bytes.HasPrefix(large.text, []byte("first")) || len(large.text) != 25<<20+len("firstlast") {
		return fmt.Errorf("%d bytes", len(large.text))
	}
	plain, err := c.invoke(ctx, "plain", `{"a":1}`)
	if err != nil {
		return err
	}
	if string(plain.text) != `{"a":1}` {
		return fmt.Errorf("%q", plain.text)
	}
	_, err = c.invoke(ctx, "none", "{}")
	if missing := new(types.ResourceNotFoundException); !errors.As(err, &missing) {
		return fmt.Errorf("a function that does not exist: %w", err)
	}
	return nil
}
