package client

import (
	"context"
	"encoding/base64"
	"fmt"
	"net/http"
)

// InvokeInput is an invocation.
type InvokeInput struct {
	Function      string
	Qualifier     string // "" means $LATEST
	Payload       []byte // the event, JSON; empty means none
	ClientContext []byte // JSON object that the function sees as its client context; empty means none
	LogTail       bool   // ask for the end of the invocation's log
	TraceID       string // X-Ray trace header to pass on, as a function does that invokes another; "" for none
	DryRun        bool   // check that the call would be allowed and run nothing
}

// InvokeOutput is the answer to an invocation, also to one whose function failed: see FunctionError.
type InvokeOutput struct {
	Status          int    // HTTP status: 200, or 204 for a dry run
	Payload         []byte // the function's result, or its error object
	FunctionError   string // "" if the function succeeded
	ExecutedVersion string
	LogTail         []byte // up to 4 KiB of log, if asked for
	RequestID       string // also the id in the function's log
}

// Invoke runs a function and waits for its result. A function that fails is not an error of this call.
func (c *Client) Invoke(ctx context.Context, in InvokeInput) (InvokeOutput, error) {
	k := in.call(functionPath(in.Function, "/invocations"))
	resp, body, err := c.do(ctx, k)
	if err != nil {
		return InvokeOutput{}, err
	}
	tail, err := base64.StdEncoding.DecodeString(resp.Header.Get("X-Amz-Log-Result"))
	if err != nil {
		return InvokeOutput{}, fmt.Errorf("answer of an invocation of %s: X-Amz-Log-Result: %w", in.Function, err)
	}
	return InvokeOutput{
		Status:          resp.StatusCode,
		Payload:         body,
		FunctionError:   resp.Header.Get("X-Amz-Function-Error"),
		ExecutedVersion: resp.Header.Get("X-Amz-Executed-Version"),
		LogTail:         tail,
		RequestID:       resp.Header.Get("X-Amzn-Requestid"),
	}, nil
}

// call is the request of an invocation.
func (in *InvokeInput) call(path string) call {
	k := call{
		service: "lambda",
		method:  http.MethodPost,
		path:    path,
		header:  make([]header, 0, 4),
		body:    in.Payload,
	}
	if in.Qualifier != "" {
		k.query = query{{"Qualifier", in.Qualifier}}
	}
	if in.DryRun {
		k.header = append(k.header, header{"X-Amz-Invocation-Type", "DryRun"})
	}
	if in.TraceID != "" {
		k.header = append(k.header, header{"X-Amzn-Trace-Id", in.TraceID})
	}
	if in.LogTail {
		k.header = append(k.header, header{"X-Amz-Log-Type", "Tail"})
	}
	if len(in.ClientContext) > 0 {
		k.header = append(k.header, header{"X-Amz-Client-Context", base64.StdEncoding.EncodeToString(in.ClientContext)})
	}
	return k
}
