package eventstream

import (
	"encoding/binary"
	"hash/crc32"
)

// ContentType is the media type of a stream.
const ContentType = "application/vnd.amazon.eventstream"

// Header is one header of a message; Name has 1 to 255 bytes, Value up to 65,535.
type Header struct{ Name, Value string }

// Names of headers that all messages of a kind have.
const (
	MessageType   = ":message-type" // "event" or "exception"
	EventType     = ":event-type"
	ExceptionType = ":exception-type"
	ContentTypeOf = ":content-type" // of the payload
)

const (
	preludeBytes = 8
	crcBytes     = 4
	overhead     = preludeBytes + 2*crcBytes
	typeText     = 7
)

// Append adds one message to b.
func Append(b []byte, headers []Header, payload []byte) []byte {
	size := 0
	for _, h := range headers {
		size += 4 + len(h.Name) + len(h.Value)
	}
	begin := len(b)
	b = binary.BigEndian.AppendUint32(b, uint32(overhead+size+len(payload)))
	b = binary.BigEndian.AppendUint32(b, uint32(size))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[begin:]))
	for _, h := range headers {
		b = append(append(b, byte(len(h.Name))), h.Name...)
		b = binary.BigEndian.AppendUint16(append(b, typeText), uint16(len(h.Value)))
		b = append(b, h.Value...)
	}
	b = append(b, payload...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b[begin:]))
}
