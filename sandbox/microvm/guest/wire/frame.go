package wire

import (
	"encoding/binary"
	"errors"
	"io"
	"strconv"
)

// Version is that of the protocol; Ready carries it. Host and guest come from one build of files, so they differ only
// if the operator mixed them up.
const Version = 2

// Bounds of a frame's body, in bytes: what the host sends, and what the guest sends.
const (
	MaxRequest = 128 << 10
	MaxReply   = 4 << 10
)

// Kind says what a frame is.
type Kind uint8

// Requests, host to guest.
const (
	KindSetup   Kind = 1 + iota // Setup
	KindMount                   // Mount
	KindLimit                   // Limits
	KindRefresh                 // Refresh
	KindStats                   // empty; the answer is Stats
	KindQuiesce                 // empty
	KindClock                   // Clock
)

// Answers and events, guest to host.
const (
	KindOK     Kind = 0x80 + iota // the answer to Stats has a body, others have none
	KindFailed                    // UTF-8 text
	KindReady                     // Ready
	KindExited                    // Exited
	KindOOM                       // OOM
)

// HeadBytes is what a frame has before its body.
const HeadBytes = 9

// ErrFormat is returned for bytes that are no frame, or no body of its kind.
var ErrFormat = errors.New("malformed frame")

// Frame is one unit of the protocol.
type Frame struct {
	Kind Kind
	ID   uint32 // of the request; 0 for events
	Body []byte
}

// Append appends f's bytes to b. A body beyond what a reader accepts is the caller's mistake; see MaxRequest.
func Append(b []byte, f Frame) []byte {
	b = binary.BigEndian.AppendUint32(b, uint32(len(f.Body)))
	b = append(b, byte(f.Kind))
	b = binary.BigEndian.AppendUint32(b, f.ID)
	return append(b, f.Body...)
}

// Read reads one frame whose body has at most limit bytes. It returns io.EOF at the end between two frames. The body is in
// buf if there is room for the frame, and else, or if buf is nil, in memory of its own.
func Read(r io.Reader, buf []byte, limit int) (Frame, error) {
	if len(buf) < HeadBytes {
		buf = make([]byte, HeadBytes)
	}
	head, body := buf[:HeadBytes], buf[HeadBytes:]
	if _, err := io.ReadFull(r, head); err != nil {
		return Frame{}, err
	}
	n := binary.BigEndian.Uint32(head[:])
	if uint64(n) > uint64(limit) {
		return Frame{}, errors.Join(ErrFormat, errors.New("body of "+strconv.FormatUint(uint64(n), 10)+" bytes"))
	}
	if uint64(n) > uint64(len(body)) {
		body = make([]byte, n)
	}
	f := Frame{Kind: Kind(head[4]), ID: binary.BigEndian.Uint32(head[5:]), Body: body[:n]}
	if _, err := io.ReadFull(r, f.Body); err != nil {
		return Frame{}, errors.Join(io.ErrUnexpectedEOF, err)
	}
	return f, nil
}
