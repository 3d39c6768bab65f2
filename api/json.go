package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strconv"
	"strings"

	"thaw.dev/thaw/lambda"
)

// Decode reads body, one JSON object, into the request shape v points at. An empty body counts as {}.
//
// A member that the shape does not have is refused by name (lambda.KindInvalid): the service may know it, Thaw does
// not, and a setting must not be accepted and then ignored. Anything that is not such an object is
// lambda.KindInvalidContent.
func Decode(body []byte, v any) error {
	if len(body) == 0 {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return lambda.Errorf(lambda.KindInvalidContent, "Could not parse request body into json: more than one value")
	}
	if name, found := strings.CutPrefix(err.Error(), "json: unknown field "); found {
		if plain, err := strconv.Unquote(name); err == nil {
			name = plain
		}
		return NotYet("The setting " + clip(name))
	}
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		member := wrong.Field // names the embedded structs too, which the wire does not have
		for _, embedded := range []string{"FunctionSettings.", "FunctionCode."} {
			member = strings.TrimPrefix(member, embedded)
		}
		return lambda.Errorf(lambda.KindInvalidContent, "Could not parse request body into json: %s cannot be the value of '%s'",
			wrong.Value, clip(member))
	}
	return lambda.Errorf(lambda.KindInvalidContent, "Could not parse request body into json: %s", clip(reason(err)))
}

// NotYet is the refusal of something Lambda has and Thaw does not have yet; what is its name at the start of a sentence.
func NotYet(what string) error {
	return lambda.Errorf(lambda.KindInvalid, "%s is not implemented yet by Thaw", what)
}

// reason is the text of a JSON error without the decoder's own name and with the end of input in words.
func reason(err error) string {
	if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
		return "unexpected end of input"
	}
	return strings.TrimPrefix(err.Error(), "json: ")
}

// Encode writes v as the service does: no HTML escapes, no final newline.
func Encode(v any) ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), nil
}

// maxEcho bounds how much of a caller's value an error message repeats, in bytes.
const maxEcho = 1024

// clip shortens a caller's value for a message.
func clip(s string) string {
	if len(s) <= maxEcho {
		return s
	}
	return strings.ToValidUTF8(s[:maxEcho], "") + "…"
}
