package api

import (
	"net/http"

	"thaw.dev/thaw/lambda"
)

// ErrorRow says how errors of one kind look on the wire.
type ErrorRow struct {
	Type   string // value of x-amzn-ErrorType, e.g. "ResourceNotFoundException"
	Status int    // HTTP status
	Fault  string // body member Type: "User" or "Service"; "" leaves it out
	Key    string // "Message" or "message": the spelling differs between types and scripts depend on it
}

// errorRows is indexed by lambda.Kind. Source: service model for types and statuses, recorded answers for the spelling.
// NotImplementedException is ours: a 400, because every SDK retries some 5xx and none retries an unknown 400.
var errorRows = [...]ErrorRow{
	lambda.KindInternal:         {"ServiceException", http.StatusInternalServerError, "Service", "Message"},
	lambda.KindInvalid:          {"InvalidParameterValueException", http.StatusBadRequest, "User", "message"},
	lambda.KindValidation:       {"ValidationException", http.StatusBadRequest, "", "message"},
	lambda.KindNotFound:         {"ResourceNotFoundException", http.StatusNotFound, "User", "Message"},
	lambda.KindConflict:         {"ResourceConflictException", http.StatusConflict, "User", "message"},
	lambda.KindPrecondition:     {"PreconditionFailedException", http.StatusPreconditionFailed, "User", "message"},
	lambda.KindTooLarge:         {"RequestTooLargeException", http.StatusRequestEntityTooLarge, "User", "message"},
	lambda.KindThrottled:        {"TooManyRequestsException", http.StatusTooManyRequests, "User", "message"},
	lambda.KindCodeStorage:      {"CodeStorageExceededException", http.StatusBadRequest, "User", "message"},
	lambda.KindInvalidContent:   {"InvalidRequestContentException", http.StatusBadRequest, "User", "message"},
	lambda.KindUnsupportedMedia: {"UnsupportedMediaTypeException", http.StatusUnsupportedMediaType, "User", "message"},
	lambda.KindNotReady:         {"ResourceNotReadyException", http.StatusBadGateway, "Service", "message"},
	lambda.KindDenied:           {"AccessDeniedException", http.StatusForbidden, "", "Message"},
	lambda.KindNotImplemented:   {"NotImplementedException", http.StatusBadRequest, "User", "message"},
	lambda.KindUnknownOperation: {"UnknownOperationException", http.StatusNotFound, "User", "message"},
	lambda.KindEntityTooLarge:   {"RequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "User", "message"},

	lambda.KindSnapStartNotReady: {"SnapStartNotReadyException", http.StatusConflict, "User", "Message"},
	lambda.KindNoProvisioned:     {"ProvisionedConcurrencyConfigNotFoundException", http.StatusNotFound, "User", "message"},
	lambda.KindAliasLimit:        {"AliasLimitExceededException", http.StatusBadRequest, "User", "message"},
	lambda.KindPolicyLength:      {"PolicyLengthExceededException", http.StatusBadRequest, "User", "message"},
	lambda.KindPublicPolicy:      {"PublicPolicyException", http.StatusBadRequest, "User", "Message"},
	lambda.KindNoCodeSigning:     {"CodeSigningConfigNotFoundException", http.StatusNotFound, "User", "Message"},
	lambda.KindCodeVerification:  {"CodeVerificationFailedException", http.StatusBadRequest, "User", "Message"},
	lambda.KindInvalidSignature:  {"InvalidCodeSignatureException", http.StatusBadRequest, "User", "Message"},
	lambda.KindRecursive:         {"RecursiveInvocationException", http.StatusBadRequest, "User", "Message"},
	lambda.KindResourceInUse:     {"ResourceInUseException", http.StatusBadRequest, "User", "Message"},
	lambda.KindEventTooLarge:     {"SerializedRequestEntityTooLargeException", http.StatusRequestEntityTooLarge, "User", "message"},
	lambda.KindSnapStartTimeout:  {"SnapStartTimeoutException", http.StatusRequestTimeout, "User", "Message"},
	lambda.KindSnapStart:         {"SnapStartException", http.StatusBadRequest, "User", "Message"},
	lambda.KindExecutionExists:   {"DurableExecutionAlreadyStartedException", http.StatusConflict, "User", "Message"},
	lambda.KindCallbackTimeout:   {"CallbackTimeoutException", http.StatusBadRequest, "User", "Message"},
}

// RowOf returns the wire form of kind; the row of lambda.KindInternal for a kind the table does not have.
func RowOf(kind lambda.Kind) ErrorRow {
	if kind < 0 || int(kind) >= len(errorRows) {
		kind = lambda.KindInternal
	}
	return errorRows[kind]
}

// KindOfType is RowOf's inverse: the kind whose wire type is name; false if none has it.
func KindOfType(name string) (lambda.Kind, bool) {
	for kind, row := range errorRows {
		if row.Type == name {
			return lambda.Kind(kind), true
		}
	}
	return lambda.KindInternal, false
}

// AuthError is the row of an error that authentication gives: 403, no fault, the type as given.
func AuthError(typ string) ErrorRow {
	return ErrorRow{Type: typ, Status: http.StatusForbidden, Key: "message"}
}

// ErrorBody is the JSON body of an error answer in row's spelling. reason is the throttle reason, "" leaves it out.
func ErrorBody(row ErrorRow, message, reason string) []byte {
	// Members in the order the service writes them. Strings always encode.
	b := append(make([]byte, 0, 64+len(message)), '{')
	member := func(key, value string) {
		if len(b) > 1 {
			b = append(b, ',')
		}
		b = append(b, '"')
		b = append(b, key...)
		b = append(b, '"', ':')
		text, _ := Encode(value)
		b = append(b, text...)
	}
	if reason != "" {
		member("Reason", reason)
	}
	if row.Fault != "" {
		member("Type", row.Fault)
	}
	member(row.Key, message)
	return append(b, '}')
}
