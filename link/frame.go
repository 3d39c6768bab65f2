package link

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// ErrProtocol is returned when the other side sent something that is no frame, or none that belongs here. The channel
// cannot be used any more until it was reset.
var ErrProtocol = errors.New("link protocol violated")

const headerBytes = 8

// Frame is one frame as read. Body is valid until the next call of Reader.Next.
type Frame struct {
	Type  Type
	Flags Flag
	Body  []byte
}

// Reader reads frames. It is not safe for concurrent use.
type Reader struct {
	r    *bufio.Reader
	body []byte
}

// NewReader returns a Reader on r.
func NewReader(r io.Reader) *Reader {
	return &Reader{r: bufio.NewReaderSize(r, 16<<10)}
}

// Next reads one frame. It returns ErrProtocol for a header that is none of ours, before any memory is taken for it;
// io.EOF between frames, io.ErrUnexpectedEOF within one; and the underlying reader's errors.
func (r *Reader) Next() (Frame, error) {
	head, err := r.r.Peek(headerBytes)
	if err != nil {
		if errors.Is(err, io.EOF) && len(head) > 0 {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	f := Frame{Type: Type(head[0]), Flags: Flag(head[1])}
	zero, n := binary.LittleEndian.Uint16(head[2:]), binary.LittleEndian.Uint32(head[4:])
	if zero != 0 || n > MaxFrameBytes || f.Flags&^(FlagMore|FlagIdle) != 0 {
		return Frame{}, fmt.Errorf("%w: header % x", ErrProtocol, head)
	}
	_, _ = r.r.Discard(headerBytes) // was peeked, cannot fail
	if int(n) > cap(r.body) {
		r.body = make([]byte, max(int(n), 4<<10))
	}
	f.Body = r.body[:n]
	if _, err := io.ReadFull(r.r, f.Body); err != nil {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		return Frame{}, err
	}
	return f, nil
}

// Payload puts together the payload that begins with first, the payload part of f. It keeps at most limit bytes: of a
// longer payload it reads and drops the rest, and reports tooLarge. It returns the flags of the last frame.
func (r *Reader) Payload(f Frame, first []byte, limit int) (payload []byte, last Flag, tooLarge bool, err error) {
	for {
		switch {
		case tooLarge:
		case len(payload)+len(first) > limit:
			tooLarge, payload = true, nil
		default:
			payload = append(payload, first...)
		}
		if f.Flags&FlagMore == 0 {
			return payload, f.Flags, tooLarge, nil
		}
		if f, err = r.Next(); err != nil {
			return nil, 0, false, err
		}
		if f.Type != TypeMore {
			return nil, 0, false, fmt.Errorf("%w: type %#x inside a payload", ErrProtocol, uint8(f.Type))
		}
		first = f.Body
	}
}

// maxSkipBytes bounds what SkipTo discards: far more than fits into a socket's buffers.
const maxSkipBytes = 64 << 20

// SkipTo discards everything up to and including the Sync frame that carries nonce, whatever stands before it.
func (r *Reader) SkipTo(nonce [NonceBytes]byte) error {
	want := appendHeader(nil, TypeSync, 0, NonceBytes)
	want = append(want, nonce[:]...)
	for skipped := 0; skipped < maxSkipBytes; {
		buf, err := r.r.Peek(max(len(want), r.r.Buffered()))
		if i := bytes.Index(buf, want); i >= 0 {
			_, _ = r.r.Discard(i + len(want))
			return nil
		}
		if err != nil {
			return err
		}
		n := len(buf) - len(want) + 1 // the frame may begin in what is left
		_, _ = r.r.Discard(n)
		skipped += n
	}
	return fmt.Errorf("%w: no answer to the reset in %d bytes", ErrProtocol, maxSkipBytes)
}

// SplitMeta takes a body apart that begins with metadata.
func SplitMeta(body []byte) (meta, payload []byte, err error) {
	if len(body) < 4 {
		return nil, nil, fmt.Errorf("%w: no metadata", ErrProtocol)
	}
	n := binary.LittleEndian.Uint32(body)
	if int64(n) > int64(len(body)-4) {
		return nil, nil, fmt.Errorf("%w: metadata longer than its frame", ErrProtocol)
	}
	return body[4 : 4+n], body[4+n:], nil
}

// Writer writes frames, each with one Write call. It is not safe for concurrent use.
type Writer struct {
	w   io.Writer
	buf []byte
}

// NewWriter returns a Writer on w.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Frame writes one frame; body must not exceed MaxFrameBytes.
func (w *Writer) Frame(t Type, flags Flag, body []byte) error {
	if len(body) > MaxFrameBytes {
		return fmt.Errorf("%w: body of %d bytes", ErrProtocol, len(body))
	}
	w.buf = append(appendHeader(w.buf[:0], t, flags, len(body)), body...)
	return w.flush()
}

// JSON writes v as the payload of a message of type t, in as many frames as it needs.
func (w *Writer) JSON(t Type, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode frame: %w", err)
	}
	return w.payload(t, 0, nil, b)
}

// Message writes metadata and payload as a message of type t, in as many frames as it needs. The last frame carries
// last in addition.
func (w *Writer) Message(t Type, last Flag, meta any, payload []byte) error {
	m, err := json.Marshal(meta)
	if err != nil {
		return fmt.Errorf("encode frame metadata: %w", err)
	}
	prefix := binary.LittleEndian.AppendUint32(make([]byte, 0, 4+len(m)), uint32(len(m)))
	return w.payload(t, last, append(prefix, m...), payload)
}

func (w *Writer) payload(t Type, last Flag, prefix, payload []byte) error {
	if len(prefix) > MaxFrameBytes-ChunkBytes {
		return fmt.Errorf("%w: metadata of %d bytes", ErrProtocol, len(prefix))
	}
	for {
		part := payload[:min(len(payload), ChunkBytes)]
		payload = payload[len(part):]
		flags := last
		if len(payload) > 0 {
			flags = FlagMore
		}
		w.buf = appendHeader(w.buf[:0], t, flags, len(prefix)+len(part))
		w.buf = append(append(w.buf, prefix...), part...)
		if err := w.flush(); err != nil || len(payload) == 0 {
			return err
		}
		t, prefix = TypeMore, nil
	}
}

func (w *Writer) flush() error {
	_, err := w.w.Write(w.buf)
	return err
}

func appendHeader(b []byte, t Type, flags Flag, n int) []byte {
	b = append(b, byte(t), byte(flags), 0, 0)
	return binary.LittleEndian.AppendUint32(b, uint32(n))
}
