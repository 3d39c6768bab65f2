package http1

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Body is the body of a request. Reading it returns io.EOF at its end, io.ErrUnexpectedEOF if the connection ended
// before it, ErrMalformed for bad chunks, or the connection's error; all but io.EOF end the connection.
type Body struct {
	// Trailer holds what followed the last chunk; valid after io.EOF.
	Trailer Header

	r       *Reader
	chunked bool
	expect  bool  // the client waits for "100 Continue"
	inChunk bool  // a chunk was begun and its line end not yet read
	left    int64 // bytes left of the body, or of the chunk
	ended   bool
	err     error
}

// Announced is the number of bytes still to come as the client announced it, 0 for chunks.
func (b *Body) Announced() int64 {
	if b.chunked {
		return 0
	}
	return b.left
}

// Chunked reports whether the body comes in chunks, so that nobody knows its length before its end.
func (b *Body) Chunked() bool { return b.chunked }

func (b *Body) Read(p []byte) (int, error) {
	switch {
	case b.err != nil:
		return 0, b.err
	case b.ended:
		return 0, io.EOF
	case len(p) == 0:
		return 0, nil
	}
	n, err := b.read(p)
	if err != nil && !b.ended {
		if errors.Is(err, io.EOF) {
			err = io.ErrUnexpectedEOF
		}
		b.err = err
	}
	return n, err
}

// read reads from a body that has not ended; p is not empty.
func (b *Body) read(p []byte) (int, error) {
	if b.expect {
		b.expect = false
		if _, err := io.WriteString(b.r.w, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
			return 0, err
		}
	}
	if b.chunked && b.left == 0 {
		if err := b.nextChunk(); err != nil {
			return 0, err
		}
		if b.ended {
			return 0, io.EOF
		}
	}
	n, err := b.r.br.Read(p[:min(int64(len(p)), b.left)])
	b.left -= int64(n)
	if b.left == 0 && !b.chunked {
		b.ended = true
	}
	return n, err
}

func (b *Body) nextChunk() error {
	if b.inChunk {
		switch line, err := b.line(); {
		case err != nil:
			return err
		case line != "":
			return fmt.Errorf("%w: chunk longer than announced", ErrMalformed)
		}
	}
	line, err := b.line()
	if err != nil {
		return err
	}
	digits, _, _ := strings.Cut(line, ";")
	n, err := strconv.ParseUint(strings.TrimRight(digits, " \t"), 16, 62)
	if err != nil {
		return fmt.Errorf("%w: chunk size", ErrMalformed)
	}
	b.left, b.inChunk = int64(n), true
	if n > 0 {
		return nil
	}
	head, err := b.r.readHead(false)
	if err != nil {
		return err
	}
	if b.Trailer, err = parseFields(head); err != nil {
		return err
	}
	b.ended = true
	return nil
}

// line reads the short line between two chunks.
func (b *Body) line() (string, error) {
	s, err := b.r.br.ReadSlice('\n')
	if errors.Is(err, bufio.ErrBufferFull) {
		return "", fmt.Errorf("%w: chunk line", ErrMalformed)
	}
	if err != nil {
		return "", err
	}
	return strings.TrimSuffix(string(s[:len(s)-1]), "\r"), nil
}

// Discard reads and drops the rest of the body. It returns ErrMalformed if that is more than limit bytes.
func (b *Body) Discard(limit int64) error {
	n, err := io.Copy(io.Discard, io.LimitReader(b, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w: body too long to be dropped", ErrMalformed)
	}
	return err
}
