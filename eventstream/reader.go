package eventstream

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
)

// MaxMessageBytes bounds a whole message. Source: Smithy, "Amazon Event Stream specification": 24 MB of payload; Lambda
// sends far smaller ones.
const MaxMessageBytes = 24 << 20

// ErrMalformed is returned for bytes that are no message.
var ErrMalformed = errors.New("malformed event stream")

// Message is one message as read. It is valid until the next call of Reader.Next.
type Message struct {
	Headers []Header
	Payload []byte
}

// Get returns the value of the header of that name, "" if there is none.
func (m *Message) Get(name string) string {
	for _, h := range m.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

// Reader reads messages. It is not safe for concurrent use.
type Reader struct {
	r    *bufio.Reader
	body []byte
	m    Message
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader { return &Reader{r: bufio.NewReaderSize(r, 16<<10)} }

// Next reads one message. It returns io.EOF between messages, io.ErrUnexpectedEOF within one, ErrMalformed, or the
// underlying reader's error. Headers that are not text are left out.
func (r *Reader) Next() (*Message, error) {
	prelude, err := r.r.Peek(preludeBytes + crcBytes)
	if err != nil {
		if errors.Is(err, io.EOF) && len(prelude) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	total, headers := binary.BigEndian.Uint32(prelude), binary.BigEndian.Uint32(prelude[4:])
	switch {
	case crc32.ChecksumIEEE(prelude[:preludeBytes]) != binary.BigEndian.Uint32(prelude[preludeBytes:]):
		return nil, fmt.Errorf("%w: checksum of a prelude", ErrMalformed)
	case total > MaxMessageBytes || total < overhead || headers > total-overhead:
		return nil, fmt.Errorf("%w: message of %d bytes, headers of %d", ErrMalformed, total, headers)
	}
	if int(total) > cap(r.body) {
		r.body = make([]byte, max(int(total), 4<<10))
	}
	b := r.body[:total]
	if _, err := io.ReadFull(r.r, b); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return nil, err
	}
	end := total - crcBytes
	if crc32.ChecksumIEEE(b[:end]) != binary.BigEndian.Uint32(b[end:]) {
		return nil, fmt.Errorf("%w: checksum of a message", ErrMalformed)
	}
	b = b[preludeBytes+crcBytes : end]
	if err := r.m.parse(b[:headers]); err != nil {
		return nil, err
	}
	r.m.Payload = b[headers:]
	return &r.m, nil
}

// valueBytes are the lengths of header values by type; those that are not here carry their length themselves.
// Source: Smithy, "Amazon Event Stream specification".
var valueBytes = map[byte]int{0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}

func (m *Message) parse(b []byte) error {
	m.Headers = m.Headers[:0]
	for len(b) > 0 {
		n := int(b[0])
		if n == 0 || len(b) < 1+n+1 {
			return fmt.Errorf("%w: header name", ErrMalformed)
		}
		name, kind := b[1:1+n], b[1+n]
		b = b[1+n+1:]
		size, fixed := valueBytes[kind]
		if !fixed {
			if len(b) < 2 || (kind != 6 && kind != typeText) {
				return fmt.Errorf("%w: header of type %d", ErrMalformed, kind)
			}
			size = int(binary.BigEndian.Uint16(b))
			b = b[2:]
		}
		if size > len(b) {
			return fmt.Errorf("%w: header value", ErrMalformed)
		}
		if kind == typeText {
			m.Headers = append(m.Headers, Header{string(name), string(b[:size])})
		}
		b = b[size:]
	}
	return nil
}
