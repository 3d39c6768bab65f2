package gateway_test

import (
	"context"
	"net/http"
	"testing"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// errorShapes has how each kind of error looks on the wire, without the suffix Exception of its type: the spelling of the
// member with the text differs between types, and so does whether there is a Type. Source: service model for the
// statuses, recorded answers for the spelling.
var errorShapes = []struct {
	kind   lambda.Kind
	status int
	typ    string
	body   string
}{
	{lambda.KindInternal, 500, "Service", `{"Type":"Service","Message":"An error occurred and the request cannot be processed."}`},
	{lambda.KindInvalid, 400, "InvalidParameterValue", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindValidation, 400, "Validation", `{"message":"what is wrong"}`},
	{lambda.KindNotFound, 404, "ResourceNotFound", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindConflict, 409, "ResourceConflict", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindPrecondition, 412, "PreconditionFailed", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindTooLarge, 413, "RequestTooLarge", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindThrottled, 429, "TooManyRequests", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindCodeStorage, 400, "CodeStorageExceeded", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindInvalidContent, 400, "InvalidRequestContent", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindUnsupportedMedia, 415, "UnsupportedMediaType", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindNotReady, 502, "ResourceNotReady", `{"Type":"Service","message":"what is wrong"}`},
	{lambda.KindDenied, 403, "AccessDenied", `{"Message":"what is wrong"}`},
	{lambda.KindNotImplemented, 400, "NotImplemented", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindUnknownOperation, 404, "UnknownOperation", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindEntityTooLarge, 413, "RequestEntityTooLarge", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindSnapStartNotReady, 409, "SnapStartNotReady", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindNoProvisioned, 404, "ProvisionedConcurrencyConfigNotFound", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindAliasLimit, 400, "AliasLimitExceeded", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindPolicyLength, 400, "PolicyLengthExceeded", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindPublicPolicy, 400, "PublicPolicy", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindNoCodeSigning, 404, "CodeSigningConfigNotFound", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindCodeVerification, 400, "CodeVerificationFailed", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindInvalidSignature, 400, "InvalidCodeSignature", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindRecursive, 400, "RecursiveInvocation", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindResourceInUse, 400, "ResourceInUse", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindEventTooLarge, 413, "SerializedRequestEntityTooLarge", `{"Type":"User","message":"what is wrong"}`},
	{lambda.KindSnapStartTimeout, 408, "SnapStartTimeout", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindSnapStart, 400, "SnapStart", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindExecutionExists, 409, "DurableExecutionAlreadyStarted", `{"Type":"User","Message":"what is wrong"}`},
	{lambda.KindCallbackTimeout, 400, "CallbackTimeout", `{"Type":"User","Message":"what is wrong"}`},
}

// TestErrorShapes sends every kind of error through the gateway.
func TestErrorShapes(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	for i, test := range errorShapes {
		if test.kind != lambda.Kind(i) {
			t.Fatalf("line %d is of kind %d; each has one, in their order", i, test.kind)
		}
		s.invoker.set(func(context.Context, *invoke.Request) (*invoke.Result, error) {
			return nil, &lambda.Error{Kind: test.kind, Msg: "what is wrong"}
		})
		a := s.do("POST", invocations, "{}")
		a.wantError(t, test.status, test.typ+"Exception", test.body)
		retry := ""
		if test.status == http.StatusTooManyRequests {
			retry = "1"
		}
		if got := a.header.Get("Retry-After"); got != retry {
			t.Errorf("Retry-After %q with %s, want %q", got, test.typ, retry)
		}
		if id := a.header.Get("x-amzn-RequestId"); len(id) != 36 {
			t.Errorf("x-amzn-RequestId %q with %s", id, test.typ)
		}
	}
	// The row behind the last kind is that of errors without one.
	if row := api.RowOf(lambda.Kind(len(errorShapes))); row != api.RowOf(lambda.KindInternal) {
		t.Errorf("%s has no line here", row.Type)
	}
}

// TestWordsThatClientsReactTo: what deploy tools look for in messages, where no other test has it. Source: Lambda API facts,
// recorded answers.
func TestWordsThatClientsReactTo(t *testing.T) {
	s := newServer(t)
	s.create("f", "")
	s.publishOne()
	s.do("POST", fns+"/f/aliases", `{"Name":"live","FunctionVersion":"1"}`).status2(t, 201)
	const functionsOnly = "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. " +
		"Please specify either a function name or an unqualified function ARN."
	for _, test := range []struct{ method, path, body, message string }{
		{"DELETE", fns + "/f?Qualifier=live", "", "Deletion of aliases is not currently supported."},
		{"DELETE", fns + "/f:live", "", "Deletion of aliases is not currently supported."},
		{"DELETE", fns + "/f?Qualifier=$LATEST", "", "$LATEST version cannot be deleted without deleting the function."},
		{"PUT", "/2017-10-31/functions/f:1/concurrency", `{"ReservedConcurrentExecutions":1}`, functionsOnly},
		{"PUT", fns + "/f:live/configuration", `{"Timeout":5}`, functionsOnly},
		{"PUT", fns + "/" + fnARN + "f:1/code", `{"ZipFile":"` + zip64 + `"}`, functionsOnly},
		{"POST", fns + "/f:1/versions", `{}`, functionsOnly},
		{"GET", fns + "/f:1?Qualifier=2", "", "The derived qualifier from the function name does not match the specified qualifier."},
	} {
		s.do(test.method, test.path, test.body).wantError(t, 400, "InvalidParameterValueException", `{"Type":"User","message":`+text(test.message)+`}`)
	}
	s = newServer(t, func(s *server, _ *gateway.Options) {
		s.checkRole = func(string, string) error { return lambda.Errorf(lambda.KindInvalid, iam.Unassumable) }
	})
	s.do("POST", fns, createBody("f", "")).wantError(t, 400, "InvalidParameterValueException",
		`{"Type":"User","message":"The role defined for the function cannot be assumed by Lambda."}`)
}
