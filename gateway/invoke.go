package gateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// Invoker runs invocations; *invoke.Invoker is one.
type Invoker interface {
	// Sync returns the function's answer. A *lambda.Error is the caller's doing, any other error is ours.
	Sync(ctx context.Context, req *invoke.Request) (*invoke.Result, error)
	// Stream gives the function's answer to to while the function makes it. Errors are those of Sync, and leave to alone.
	Stream(ctx context.Context, req *invoke.Request, to invoke.Sink) (*invoke.StreamResult, error)
}

func (c *call) invoke() error {
	h := c.r.Header
	kind, logType := h.Get("X-Amz-Invocation-Type"), h.Get("X-Amz-Log-Type")
	if err := api.CheckInvocation(h); err != nil {
		return err
	}
	req, err := c.invocation(logType)
	if err != nil {
		return err
	}
	fn, err := c.executions.Durable(req)
	if err != nil {
		return err
	}
	name := h.Get("X-Amz-Durable-Execution-Name")
	if fn == nil && name != "" {
		return lambda.Errorf(lambda.KindInvalid, "The invoked function is not a durable function: it takes no DurableExecutionName.")
	}
	if kind == "DryRun" {
		return c.dryRun(req)
	}
	if kind == "Event" {
		return c.invokeEvent(req, fn, name)
	}
	if fn != nil {
		return c.invokeDurable(req, fn, name)
	}
	result, err := c.invoker.Sync(c.r.Context(), req)
	if err != nil {
		return err
	}
	c.answer(req, result)
	return nil
}

// invocation decodes what all ways of invoking have in common.
func (c *call) invocation(logType string) (*invoke.Request, error) {
	h := c.r.Header
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return nil, err
	}
	event, err := payload(h.Get("Content-Type"), c.body)
	if err != nil {
		return nil, err
	}
	clientContext, err := clientContext(h.Get("X-Amz-Client-Context"))
	if err != nil {
		return nil, err
	}
	return &invoke.Request{
		ID:            c.id,
		Account:       c.account,
		Function:      ref.Name,
		Qualifier:     ref.Qualifier,
		ARN:           lambda.FunctionARN(c.region, c.account, ref.Name, ref.Qualifier),
		Payload:       event,
		ClientContext: clientContext,
		TraceID:       traceID(h),
		Tenant:        h.Get("X-Amz-Tenant-Id"),
		LogTail:       logType == "Tail",
	}, nil
}

// dryRun answers whether req would be run.
func (c *call) dryRun(req *invoke.Request) error {
	fn, err := c.functions.Resolve(req.Account, req.Function, req.Qualifier)
	if err != nil {
		return err
	}
	if _, err := fn.ForTenant(req.Tenant); err != nil {
		return err
	}
	return c.nothing()
}

// answer writes the function's result, also that of a function that failed.
func (c *call) answer(req *invoke.Request, result *invoke.Result) {
	h := c.w.Header()
	h["X-Amz-Executed-Version"] = []string{result.ExecutedVersion}
	c.answerTrace(result.TraceID)
	if result.FunctionError != "" {
		h["X-Amz-Function-Error"] = []string{result.FunctionError}
	}
	if req.LogTail {
		h["X-Amz-Log-Result"] = []string{base64.StdEncoding.EncodeToString(result.LogTail)}
	}
	if len(result.Phases) > 0 {
		h["Server-Timing"] = []string{serverTiming(result.Phases)}
	}
	body := result.Payload
	if len(body) == 0 {
		body = []byte("null")
	}
	c.respond(http.StatusOK, "application/json", body)
}

// payload is the event in body. An empty body is the event {}.
//
// The service accepts any content type that may hold JSON: its SDKs send application/octet-stream, others nothing or a
// form's. Refused is what cannot be JSON.
func payload(contentType string, body []byte) ([]byte, error) {
	for _, family := range []string{"multipart/", "image/", "audio/", "video/"} {
		if len(contentType) > len(family) && strings.EqualFold(contentType[:len(family)], family) {
			return nil, lambda.Errorf(lambda.KindUnsupportedMedia, "The content type of the Invoke request body is not JSON: %.128s", contentType)
		}
	}
	if len(body) == 0 {
		return []byte("{}"), nil
	}
	if !json.Valid(body) {
		var v json.RawMessage
		err := json.Unmarshal(body, &v) // again, for what is wrong
		return nil, &lambda.Error{
			Kind: lambda.KindInvalidContent, Msg: "Could not parse request body into json: Could not parse payload into json: " + err.Error(),
		}
	}
	return body, nil
}

// clientContext decodes the header of that name into JSON text.
func clientContext(header string) (string, error) {
	if header == "" {
		return "", nil
	}
	if len(header) > lambda.MaxClientContextBytes {
		return "", lambda.Errorf(lambda.KindInvalidContent, "Client context must be no more than %d bytes when base64-encoded", lambda.MaxClientContextBytes)
	}
	text, err := base64.StdEncoding.DecodeString(header)
	if err != nil {
		text, err = base64.RawStdEncoding.DecodeString(header)
	}
	if err != nil || len(text) == 0 || firstByte(text) != '{' || !json.Valid(text) {
		return "", lambda.Errorf(lambda.KindInvalidContent, "Client context must be a valid Base64-encoded JSON object.")
	}
	return string(text), nil
}

// firstByte is the first byte of a JSON text that is not white space, 0 if there is none.
func firstByte(text []byte) byte {
	for _, b := range text {
		if b != ' ' && b != '\t' && b != '\n' && b != '\r' {
			return b
		}
	}
	return 0
}

// serverTiming writes the phases as the HTTP header of that name, in milliseconds, and what a cold start began with as
// its description: `place;dur=0.2;desc="hot", init;dur=4.1, invoke;dur=0.8`.
func serverTiming(phases []invoke.Phase) string {
	b := make([]byte, 0, 96)
	for i, p := range phases {
		if i > 0 {
			b = append(b, ", "...)
		}
		b = append(b, p.Name...)
		b = append(b, ";dur="...)
		b = strconv.AppendFloat(b, float64(p.Duration.Nanoseconds())/1e6, 'f', 3, 64)
		if p.Source != "" {
			b = append(b, `;desc="`...)
			b = append(b, p.Source...)
			b = append(b, '"')
		}
	}
	return string(b)
}
