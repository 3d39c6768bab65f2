package link

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// MaxStreamBytes is the longest streamed result (200 MiB). Source: AWS Lambda quotas, "Maximum response size for
// streamed responses".
const MaxStreamBytes = 200 << 20

// ErrStreamTooLong is returned when a runtime streamed more than MaxStreamBytes.
var ErrStreamTooLong = errors.New("streamed result too long")

// Receiver takes a streamed result while the runtime makes it. Its calls come from the goroutine that invokes, in
// order; while one goes on the runtime is not read from. A Receiver must not take longer than the invocation may.
type Receiver interface {
	// Open is called once, before the first bytes. contentType is what the runtime claims; it may be empty.
	Open(contentType string)
	// Receive gets the next bytes, at least one and at most MaxFrameBytes, which are valid until it returns.
	Receive(p []byte)
}

// stream reads a streamed result that begins with f. What has no receiver is collected.
func (s *Session) stream(f Frame, id string, deadline time.Time, maxReply int, to Receiver) (Reply, error) {
	meta, rest, err := SplitMeta(f.Body)
	if err != nil {
		return Reply{}, err
	}
	var begin ReplyMeta
	if err := json.Unmarshal(meta, &begin); err != nil || begin.ID != id || len(rest) > 0 || f.Flags != 0 {
		return Reply{}, fmt.Errorf("%w: begin of a stream", ErrProtocol)
	}
	all := collector{limit: maxReply}
	if to == nil {
		to = &all
	}
	to.Open(begin.ContentType)
	reply, total, err := s.parts(deadline, maxReply, to)
	reply.Streamed = total
	if err == nil && !reply.Failed {
		reply.ContentType = begin.ContentType
		reply.Payload, reply.TooLarge = all.payload, all.over
	}
	return reply, err
}

// parts reads what follows the begin of a stream: total bytes, and the reply that ends them.
func (s *Session) parts(deadline time.Time, maxReply int, to Receiver) (reply Reply, total int64, err error) {
	for {
		// Again for each part: a runtime that has ended may have left more than one receiver takes in the grace.
		s.expect(deadline)
		f, err := s.dr.Next()
		if err != nil {
			return reply, total, s.failure(err)
		}
		switch f.Type {
		case TypePart:
			if f, err = s.dr.join(f); err != nil {
				return reply, total, err
			}
			if total += int64(len(f.Body)); total > MaxStreamBytes {
				return reply, total, ErrStreamTooLong
			}
			to.Receive(f.Body)
		case TypeResult:
			reply, err = s.reply(f, 0)
			if err == nil && reply.TooLarge {
				err = fmt.Errorf("%w: payload at the end of a stream", ErrProtocol)
			}
			return reply, total, err
		case TypeError:
			reply, err = s.reply(f, maxReply)
			return reply, total, err
		default:
			return reply, total, fmt.Errorf("%w: type %#x in a stream", ErrProtocol, uint8(f.Type))
		}
	}
}

// join adds to f, a Part, the Parts behind it that have arrived as a whole already, as long as they fit into one frame:
// many small ones cost their receiver no more than a few large ones.
func (r *Reader) join(f Frame) (Frame, error) {
	if len(f.Body) == 0 || f.Flags != 0 {
		return f, fmt.Errorf("%w: part of %d bytes, flags %#x", ErrProtocol, len(f.Body), uint8(f.Flags))
	}
	for r.r.Buffered() >= headerBytes {
		head, _ := r.r.Peek(headerBytes) // is buffered
		n := int(binary.LittleEndian.Uint32(head[4:]))
		if Type(head[0]) != TypePart || head[1]|head[2]|head[3] != 0 || n == 0 ||
			n > r.r.Buffered()-headerBytes || len(f.Body)+n > MaxFrameBytes {
			break // nothing to add; if it is wrong, Next or the next join says so
		}
		_, _ = r.r.Discard(headerBytes)
		part, _ := r.r.Peek(n) // is buffered
		r.body = append(r.body[:len(f.Body)], part...)
		_, _ = r.r.Discard(n)
		f.Body = r.body
	}
	return f, nil
}

// collector is the receiver of a stream that somebody wants as a whole.
type collector struct {
	limit   int
	payload []byte
	over    bool
}

func (c *collector) Open(string) {}

func (c *collector) Receive(p []byte) {
	if c.over = c.over || len(c.payload)+len(p) > c.limit; c.over {
		c.payload = nil
		return
	}
	c.payload = append(c.payload, p...)
}
