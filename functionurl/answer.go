package functionurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
)

// Answer is what a function wants to be answered.
type Answer struct {
	Status  int
	Header  http.Header // checked, and without those that are the server's own
	Cookies []string    // values of Set-Cookie
	Body    []byte
}

// ErrAnswer is the error for what a function returned and no HTTP answer can be made of. Callers see 502.
var ErrAnswer = errors.New("the function's answer is not one of HTTP")

// wireAnswer is an object with a statusCode.
type wireAnswer struct {
	StatusCode      *json.Number               `json:"statusCode"`
	Headers         map[string]json.RawMessage `json:"headers"`
	Cookies         []string                   `json:"cookies"`
	Body            *string                    `json:"body"`
	IsBase64Encoded bool                       `json:"isBase64Encoded"`
}

// ParseAnswer reads what a function returned. An object with a statusCode says what the answer is; of any other JSON the
// text is the body of a 200, and of a string its value. A streamed answer that was collected may have its head in front.
func ParseAnswer(payload []byte) (*Answer, error) {
	trimmed := bytes.TrimSpace(payload)
	if !json.Valid(trimmed) {
		if head, body, err := SplitPrelude(payload); err == nil && head != nil {
			head.Body = body
			return head, nil
		}
		return nil, fmt.Errorf("%w: not JSON", ErrAnswer)
	}
	plain := &Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}}, Body: trimmed}
	switch trimmed[0] {
	case '"':
		var s string
		if err := json.Unmarshal(trimmed, &s); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		plain.Body = []byte(s)
		return plain, nil
	case '{':
		if !hasStatus(trimmed) {
			return plain, nil
		}
	default:
		return plain, nil
	}
	var w wireAnswer
	if err := json.Unmarshal(trimmed, &w); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	a, err := w.head()
	if err != nil {
		return nil, err
	}
	if a.Header.Get("Content-Type") == "" {
		a.Header.Set("Content-Type", "application/json")
	}
	if w.Body == nil {
		return a, nil
	}
	if a.Body = []byte(*w.Body); w.IsBase64Encoded {
		if a.Body, err = base64.StdEncoding.DecodeString(*w.Body); err != nil {
			return nil, fmt.Errorf("%w: the body is not base64", ErrAnswer)
		}
	}
	return a, nil
}

// hasStatus reports whether an object has the member statusCode, spelled just so.
func hasStatus(object []byte) bool {
	var members map[string]json.RawMessage
	return json.Unmarshal(object, &members) == nil && members["statusCode"] != nil
}

// head checks everything but the body.
func (w *wireAnswer) head() (*Answer, error) {
	a := &Answer{Status: http.StatusOK, Header: http.Header{}, Cookies: w.Cookies}
	if w.StatusCode != nil {
		n, err := w.StatusCode.Int64()
		if err != nil || n < 200 || n > 599 {
			return nil, fmt.Errorf("%w: the status code %.16s", ErrAnswer, w.StatusCode.String())
		}
		a.Status = int(n)
	}
	for name, raw := range w.Headers {
		value, err := headerValue(raw)
		if err != nil || !validName(name) || !validValue(value) {
			return nil, fmt.Errorf("%w: the header %.64q", ErrAnswer, name)
		}
		if !serversOwn(name) {
			a.Header.Add(name, value)
		}
	}
	for _, c := range w.Cookies {
		if !validValue(c) {
			return nil, fmt.Errorf("%w: a cookie", ErrAnswer)
		}
	}
	return a, nil
}

// headerValue takes strings, numbers and booleans; null is empty.
func headerValue(raw json.RawMessage) (string, error) {
	switch raw[0] {
	case '"':
		var s string
		err := json.Unmarshal(raw, &s)
		return s, err
	case '{', '[':
		return "", ErrAnswer
	case 'n':
		return "", nil
	}
	return string(raw), nil
}

// serversOwn reports whether a header is the server's to set: those of the connection, of the framing, and the ids of the request
// and its trace.
func serversOwn(name string) bool {
	switch name = strings.ToLower(name); name {
	case "content-length", "x-amzn-requestid", "x-amzn-trace-id":
		return true
	}
	return hopByHop(name)
}

// validName reports whether a header may have that name: a token. Source: RFC 9110, 5.6.2.
func validName(name string) bool {
	return name != "" && strings.IndexFunc(name, func(c rune) bool {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', strings.ContainsRune("!#$%&'*+-.^_`|~", c):
			return false
		}
		return true
	}) < 0
}

// validValue reports whether a header may have that value: no control characters but tabs.
func validValue(value string) bool {
	return strings.IndexFunc(value, func(c rune) bool { return c < ' ' && c != '\t' || c == 0x7f }) < 0
}
