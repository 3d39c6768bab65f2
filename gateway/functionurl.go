package gateway

import (
	"errors"
	"net/http"
	"strconv"
	"time"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/functionurl"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// Answers of function URLs that no function gave. Source: recorded answers.
const (
	unknownURL  = `{"Message":null}`
	forbidden   = "Forbidden. For troubleshooting Function URL authorization issues, see: https://docs.aws.amazon.com/lambda/latest/dg/urls-auth.html"
	badFunction = "Internal Server Error"
)

// functionURL answers a request to a function URL. Without one of that host nobody is told whether there ever was one.
func (c *call) functionURL(u control.NamedURL, found bool) error {
	if !found {
		c.w.Header()["x-amzn-ErrorType"] = []string{"AccessDeniedException"}
		c.respond(http.StatusForbidden, "application/json", []byte(unknownURL))
		return nil
	}
	c.account = u.Account
	if functionurl.IsPreflight(u.Cors, c.r) {
		functionurl.Preflight(u.Cors, c.r, c.w.Header())
		c.respond(http.StatusOK, "application/json", nil)
		return nil
	}
	if err := c.authorizeURL(&u); err != nil {
		return err
	}
	req, err := c.urlInvocation(&u)
	if err != nil {
		return err
	}
	if u.InvokeMode == "RESPONSE_STREAM" {
		return c.streamURL(&u, req)
	}
	result, err := c.invoker.Sync(c.r.Context(), req)
	if err != nil {
		return err
	}
	c.urlTrace(result.TraceID)
	answer, err := functionurl.ParseAnswer(result.Payload)
	if result.ErrorType != "" || err != nil {
		return c.badFunction(&u, err)
	}
	c.urlHead(&u, answer)
	c.urlBody(answer)
	return nil
}

// authorizeURL finds out who calls, if that matters to the URL, and refuses whom policies do not allow both to use the URL and
// to invoke the function by it. Source: AWS Lambda developer guide, "Control access to Lambda function URLs".
func (c *call) authorizeURL(u *control.NamedURL) error {
	anonymous := u.AuthType != "AWS_IAM"
	if !anonymous {
		if err := c.authenticate("lambda", lambda.MaxSyncPayloadBytes); err != nil {
			if e, ok := errors.AsType[*auth.Error](err); ok && e.Code == auth.CodeMissingToken {
				return lambda.Errorf(lambda.KindDenied, forbidden)
			}
			return err
		}
	}
	document, err := c.functions.Policy(u.Account, u.Name, u.Qualifier)
	if err != nil {
		return err
	}
	if document == nil && (anonymous || c.unrestricted() && c.caller.AccountID == c.account) {
		if anonymous {
			return lambda.Errorf(lambda.KindDenied, forbidden)
		}
		return nil
	}
	q := &question{
		anonymous: anonymous, action: "lambda:InvokeFunctionUrl", document: document, context: c.conditions(),
		resource: lambda.FunctionARN(c.region, u.Account, u.Name, u.Qualifier),
	}
	q.context[policy.KeyFunctionURLAuthType] = []string{u.AuthType}
	err = c.allow(q)
	if err == nil {
		q.action = "lambda:InvokeFunction"
		q.context[policy.KeyInvokedViaFunctionURL] = []string{"true"}
		delete(q.context, policy.KeyFunctionURLAuthType)
		err = c.allow(q)
	}
	if err != nil {
		return &lambda.Error{Kind: lambda.KindDenied, Msg: forbidden, Err: err}
	}
	return nil
}

// urlInvocation makes the invocation of a request that was allowed.
func (c *call) urlInvocation(u *control.NamedURL) (*invoke.Request, error) {
	if u.AuthType != "AWS_IAM" { // else it was read to check the signature
		if err := c.readBody(lambda.MaxSyncPayloadBytes); err != nil {
			return nil, err
		}
	}
	trace := traceID(c.r.Header)
	in := functionurl.Request{HTTP: c.r, Body: c.body, URLID: u.ID, ID: c.id, TraceID: trace, Time: time.Now()}
	if u.AuthType == "AWS_IAM" {
		in.IAM = &functionurl.IAM{
			AccessKey: c.caller.AccessKeyID, AccountID: c.caller.AccountID, CallerID: c.caller.UserID,
			UserARN: c.caller.ARN, UserID: c.caller.UserID,
		}
	}
	event, err := in.Event()
	if err != nil {
		return nil, err
	}
	if len(event) > lambda.MaxSyncPayloadBytes {
		return nil, c.tooLarge(lambda.MaxSyncPayloadBytes)
	}
	return &invoke.Request{
		ID: c.id, Account: u.Account, Function: u.Name, Qualifier: u.Qualifier,
		ARN: lambda.FunctionARN(c.region, u.Account, u.Name, u.Qualifier), Payload: event, TraceID: trace,
	}, nil
}

// urlTrace tells the caller the trace that the function had, in the only form that function URLs answer.
func (c *call) urlTrace(trace string) { c.w.Header()["X-Amzn-Trace-Id"] = []string{trace} }

// badFunction answers for a function that failed, or whose answer is none; why may be nil.
func (c *call) badFunction(u *control.NamedURL, why error) error {
	c.log.Debug("function behind a URL failed", "request_id", c.id, "function", u.Name, "err", why)
	functionurl.Cross(u.Cors, c.r, c.w.Header())
	c.respond(http.StatusBadGateway, "application/json", []byte(badFunction))
	return nil
}

// urlHead puts an answer's head where urlBody, or the first bytes of a stream, take it along.
func (c *call) urlHead(u *control.NamedURL, a *functionurl.Answer) {
	functionurl.Cross(u.Cors, c.r, a.Header)
	h := c.w.Header()
	for name, values := range a.Header {
		h[name] = values
	}
	for _, cookie := range a.Cookies {
		h.Add("Set-Cookie", cookie)
	}
	c.status = a.Status
}

// urlBody sends an answer whose head is in place.
func (c *call) urlBody(a *functionurl.Answer) {
	if a.Status == http.StatusNoContent || a.Status == http.StatusNotModified { // have none
		c.w.WriteHeader(a.Status)
		return
	}
	c.w.Header()["Content-Length"] = []string{strconv.Itoa(len(a.Body))}
	c.w.WriteHeader(a.Status)
	_, _ = c.w.Write(a.Body) // an error means that the caller left
}
