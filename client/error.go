package client

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
)

// Error is an answer of the server that says no.
type Error struct {
	Code      string // e.g. "ResourceNotFoundException"; "" if the answer named none
	Message   string // the server's text
	Status    int    // HTTP status
	RequestID string // "" if the answer had none
}

func (e *Error) Error() string {
	code := e.Code
	if code == "" {
		code = fmt.Sprintf("HTTP status %d", e.Status)
	}
	if e.Message == "" {
		return code
	}
	return code + ": " + e.Message
}

// maxPlainMessage bounds the text taken from an answer that is in no known form.
const maxPlainMessage = 512

// answerError reads the error out of an answer: the type from the header first, then from the body, as SDKs do.
func answerError(resp *http.Response, body []byte) *Error {
	e := &Error{Status: resp.StatusCode, RequestID: resp.Header.Get("X-Amzn-RequestId")}
	e.Code, _, _ = strings.Cut(resp.Header.Get("X-Amzn-ErrorType"), ":")

	var fault api.QueryError
	if err := xml.Unmarshal(body, &fault); err == nil {
		e.Code, e.Message = fault.Code, fault.Message
		if e.RequestID == "" {
			e.RequestID = fault.RequestID
		}
		return e
	}
	var object struct { // Message and message alike: names match regardless of case
		Message string
		Type    string `json:"__type"`
		Code    string
	}
	if json.Unmarshal(body, &object) != nil {
		e.Message = strings.TrimSpace(strings.ToValidUTF8(string(body[:min(len(body), maxPlainMessage)]), ""))
		return e
	}
	e.Message = object.Message
	for _, code := range []string{object.Type, object.Code} {
		if e.Code == "" {
			e.Code = code[strings.LastIndexByte(code, '#')+1:]
		}
	}
	return e
}
