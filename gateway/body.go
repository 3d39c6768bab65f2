package gateway

import (
	"bytes"
	"errors"
	"io"

	"thaw.dev/thaw/lambda"
)

const (
	// trusted is how many announced bytes are allocated before any arrived.
	trusted = 1 << 20
	// maxUploads is how many calls with bodies over trusted bytes, other than invocations, are under way at once: each
	// may take some 250 MB between the first byte and the stored package.
	maxUploads = 2
	// maxDrain is how much of a refused body is read and dropped, so that the client gets to see the refusal.
	maxDrain = 32 << 20
)

// readBody reads the request body into c.body. More than limit bytes are refused as the operation has it.
func (c *call) readBody(limit int64) error {
	announced := c.r.ContentLength
	switch {
	case announced == 0:
		return nil
	case announced > limit:
		return c.tooLarge(limit)
	case announced > 0 && announced <= trusted:
		c.body = make([]byte, announced)
		if _, err := io.ReadFull(c.r.Body, c.body); err != nil {
			return broken(err)
		}
		return nil
	}
	if limit > lambda.MaxSyncPayloadBytes {
		if err := c.takeUpload(); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if _, err := b.ReadFrom(io.LimitReader(c.r.Body, limit+1)); err != nil {
		return broken(err)
	}
	if int64(b.Len()) > limit {
		return c.tooLarge(limit)
	}
	c.body = b.Bytes()
	return nil
}

// takeUpload waits until this may be one of the calls with large bodies; end gives the token back.
func (c *call) takeUpload() error {
	if c.uploading {
		return nil
	}
	select {
	case c.uploads <- struct{}{}:
		c.uploading = true
		return nil
	case <-c.r.Context().Done():
		return c.r.Context().Err()
	}
}

func broken(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return lambda.Errorf(lambda.KindInvalidContent, "The request body is shorter than announced")
	}
	return &lambda.Error{Kind: lambda.KindInvalidContent, Msg: "The request body could not be read", Err: err}
}

// tooLarge drops what still comes of the body, within reason, and returns the refusal.
func (c *call) tooLarge(limit int64) error {
	if c.r.Header.Get("Expect") == "" { // who waits for "100 Continue" has not sent anything
		_, _ = io.CopyN(io.Discard, c.r.Body, maxDrain) // only a courtesy: any error leads to the same answer
	}
	switch {
	case c.route == nil:
		return lambda.Errorf(lambda.KindEntityTooLarge, "Request must be smaller than %d bytes", limit)
	case c.route.action == actionInvoke:
		return lambda.Errorf(lambda.KindTooLarge, "Request must be smaller than %d bytes for the InvokeFunction operation", limit)
	}
	return lambda.Errorf(lambda.KindEntityTooLarge, "Request must be smaller than %d bytes for the %s operation", limit, c.route.name)
}
