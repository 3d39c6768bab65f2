package auth

import (
	"fmt"
	"time"
)

// Error is a refused request. All are HTTP 403.
type Error struct {
	Code    string // the error's type, one of the Code constants
	Message string // for the caller
}

func (e *Error) Error() string { return e.Code + ": " + e.Message }

// Codes of an Error. Source of the codes and of most texts: AWS API reference, "Common errors", and recorded answers.
const (
	CodeMissingToken     = "MissingAuthenticationTokenException" // not signed at all
	CodeIncomplete       = "IncompleteSignatureException"        // a part of the signature is missing or malformed
	CodeInvalidSignature = "InvalidSignatureException"           // not signed like this by the key, or not for here and now
	CodeUnrecognized     = "UnrecognizedClientException"         // no such access key or session
	CodeExpired          = "ExpiredTokenException"               // the session is over
)

func missingToken() *Error { return &Error{CodeMissingToken, "Missing Authentication Token"} }

func unrecognized() *Error {
	return &Error{CodeUnrecognized, "The security token included in the request is invalid."}
}

func expired() *Error {
	return &Error{CodeExpired, "The security token included in the request is expired"}
}

func mismatch() *Error {
	return &Error{CodeInvalidSignature, "The request signature we calculated does not match the signature you provided. " +
		"Check your AWS Secret Access Key and signing method. Consult the service documentation for details."}
}

func incompletef(format string, args ...any) *Error {
	return &Error{CodeIncomplete, fmt.Sprintf(format, args...)}
}

func invalidf(format string, args ...any) *Error {
	return &Error{CodeInvalidSignature, fmt.Sprintf(format, args...)}
}

// checkTime refuses a request that was signed more than tolerance before now or more than maxSkew after it.
func checkTime(signed, now time.Time, tolerance time.Duration) *Error {
	const layout = dateLayout
	switch at, now := signed.Format(layout), now.UTC(); {
	case now.Sub(signed) > tolerance:
		return invalidf("Signature expired: %s is now earlier than %s (%s - %s)",
			at, now.Add(-tolerance).Format(layout), now.Format(layout), spell(tolerance))
	case signed.Sub(now) > maxSkew:
		return invalidf("Signature not yet current: %s is still later than %s (%s + %s)",
			at, now.Add(maxSkew).Format(layout), now.Format(layout), spell(maxSkew))
	}
	return nil
}

// spell writes a tolerance as the service does.
func spell(d time.Duration) string {
	if d%time.Minute == 0 {
		return fmt.Sprintf("%d min.", d/time.Minute)
	}
	return fmt.Sprintf("%d sec.", d/time.Second)
}
