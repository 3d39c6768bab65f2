package functionurl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
)

// StreamType is the content type of a streamed answer that begins with its status, headers and cookies as JSON, and eight
// zero bytes. Source: Lambda's Node.js runtime interface client.
const StreamType = "application/vnd.awslambda.http-integration-response"

// MaxPrelude bounds the JSON in front of a streamed answer, in bytes. It has room for more headers than clients take.
const MaxPrelude = 256 << 10

var preludeEnd = make([]byte, 8)

// SplitPrelude takes the head of a streamed answer off what came of it so far. head is nil if more has to come; ErrAnswer if
// the head is none, or too long.
func SplitPrelude(data []byte) (head *Answer, rest []byte, err error) {
	text, rest, found := bytes.Cut(data, preludeEnd)
	if len(text) > MaxPrelude {
		return nil, nil, fmt.Errorf("%w: its head is longer than %d bytes", ErrAnswer, MaxPrelude)
	}
	if !found {
		return nil, nil, nil
	}
	var w wireAnswer
	if err := json.Unmarshal(text, &w); err != nil {
		return nil, nil, fmt.Errorf("%w: %w", ErrAnswer, err)
	}
	if head, err = w.head(); err != nil {
		return nil, nil, err
	}
	if head.Header.Get("Content-Type") == "" {
		head.Header.Set("Content-Type", "application/octet-stream")
	}
	return head, rest, nil
}

// Prelude collects the head of a streamed answer. The zero value is ready.
type Prelude struct {
	data []byte
}

// Add takes the next bytes of the answer and returns what SplitPrelude does of all. It looks at each byte about once, however
// few come at a time.
func (p *Prelude) Add(b []byte) (head *Answer, rest []byte, err error) {
	from := max(0, len(p.data)-len(preludeEnd)+1)
	p.data = append(p.data, b...)
	if !bytes.Contains(p.data[from:], preludeEnd) && len(p.data) <= MaxPrelude {
		return nil, nil, nil
	}
	return SplitPrelude(p.data)
}

// PlainStream is the head of a streamed answer that has none of its own: 200, and the content type that the function gave if
// that can be a header's value.
func PlainStream(contentType string) *Answer {
	if contentType == "" || !validValue(contentType) {
		contentType = "application/octet-stream"
	}
	return &Answer{Status: http.StatusOK, Header: http.Header{"Content-Type": {contentType}}}
}
