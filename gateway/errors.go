package gateway

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/lambda"
)

// errPanicked is the answer to a request whose handler panicked; the panic itself was logged.
var errPanicked = errors.New("handler panicked")

// internal is what callers see of errors that are ours.
const internal = "An error occurred and the request cannot be processed."

// fail answers with err. This is the only place where an error becomes HTTP.
func (c *call) fail(err error) {
	row, message, reason := c.explain(err)
	switch c.dialect {
	case dialectQuery:
		c.failXML(row, message)
		return
	case dialectTarget:
		c.failTarget(row, message)
		return
	}
	h := c.w.Header()
	h["x-amzn-ErrorType"] = []string{row.Type}
	if row.Status == http.StatusTooManyRequests {
		h.Set("Retry-After", retryAfter(err))
	}
	c.respond(row.Status, "application/json", api.ErrorBody(row, message, reason))
}

// retryAfter is the header of that name: whole seconds, at least one.
func retryAfter(err error) string {
	seconds := 1
	if e, ok := errors.AsType[*lambda.Error](err); ok {
		seconds = max(seconds, int(math.Ceil(e.RetryAfter.Seconds())))
	}
	return strconv.Itoa(seconds)
}

// explain finds the wire form of err and logs what is ours.
func (c *call) explain(err error) (row api.ErrorRow, message, reason string) {
	if e, ok := errors.AsType[*auth.Error](err); ok {
		return api.AuthError(e.Code), e.Message, ""
	}
	if e, ok := errors.AsType[*iam.Error](err); ok {
		return api.ErrorRow{Type: e.Code, Status: iamStatus(e.Code), Key: "message"}, e.Message, ""
	}
	if e, ok := errors.AsType[*lambda.Error](err); ok && e.Kind != lambda.KindInternal {
		return api.RowOf(e.Kind), e.Msg, e.Reason
	}
	switch {
	case err == errPanicked:
	case errors.Is(err, context.Canceled) && c.r.Context().Err() != nil: // nobody is left to read the answer
		c.log.Debug("caller left", "request_id", c.id)
	default:
		c.log.Error("request failed", "request_id", c.id, "err", err)
	}
	return api.RowOf(lambda.KindInternal), internal, ""
}

// dialect is the protocol of a request, as far as errors differ.
type dialect int

const (
	dialectREST   dialect = iota // Lambda
	dialectQuery                 // STS and IAM: form in, XML out
	dialectTarget                // CloudWatch Logs: JSON with the operation in X-Amz-Target
)

// targetTypes are the names that CloudWatch Logs has for errors which Lambda calls otherwise.
var targetTypes = map[lambda.Kind]string{
	lambda.KindInvalid:   "InvalidParameterException",
	lambda.KindConflict:  "ResourceAlreadyExistsException",
	lambda.KindThrottled: "LimitExceededException",
}

// failTarget answers with an error of CloudWatch Logs, all of whose errors of callers are 400.
func (c *call) failTarget(row api.ErrorRow, message string) {
	status, typ := row.Status, row.Type
	if status < http.StatusInternalServerError {
		status = http.StatusBadRequest
	}
	if kind, ok := api.KindOfType(typ); ok && targetTypes[kind] != "" {
		typ = targetTypes[kind]
	}
	c.respond(status, logsType, api.TargetErrorBody(typ, message))
}

// stsCodes are the names that STS and IAM have for errors of authentication. Source: STS API reference, "Common errors".
var stsCodes = map[string]string{
	auth.CodeMissingToken:       "MissingAuthenticationToken",
	auth.CodeIncomplete:         "IncompleteSignature",
	auth.CodeInvalidSignature:   "SignatureDoesNotMatch",
	auth.CodeUnrecognized:       "InvalidClientTokenId",
	auth.CodeExpired:            "ExpiredToken",
	"UnknownOperationException": "InvalidAction",
	"ServiceException":          "InternalFailure",
}

// iamStatus is the HTTP status of an error of IAM or STS. Source: IAM API reference.
func iamStatus(code string) int {
	switch code {
	case iam.CodeNoSuchEntity:
		return http.StatusNotFound
	case iam.CodeExists, iam.CodeDeleteConflict, iam.CodeLimitExceeded, iam.CodeConcurrent:
		return http.StatusConflict
	case iam.CodeAccessDenied:
		return http.StatusForbidden
	}
	return http.StatusBadRequest
}

func (c *call) failXML(row api.ErrorRow, message string) {
	body := api.QueryError{Namespace: c.namespace(), Type: "Sender", Code: row.Type, Message: message, RequestID: c.id}
	if code, ok := stsCodes[row.Type]; ok {
		body.Code = code
	}
	status := row.Status
	switch {
	case status >= http.StatusInternalServerError:
		body.Type = "Receiver"
	case body.Code == "InvalidAction":
		status = http.StatusBadRequest
	}
	text, err := body.Encode()
	if err != nil {
		c.log.Error("error answer cannot be encoded", "request_id", c.id, "err", err)
	}
	c.respond(status, "text/xml", text)
}
