package guest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"
	"unicode/utf8"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

// order is ask for requests whose answer is empty.
func (c *Conn) order(ctx context.Context, what string, kind wire.Kind, body []byte) error {
	answer, err := c.ask(ctx, kind, body)
	if err == nil && len(answer) > 0 {
		err = c.fail(wire.ErrFormat)
	}
	if err != nil {
		return fmt.Errorf("%s guest: %w", what, err)
	}
	return nil
}

// ask sends a request and returns the body of the answer. If ctx ends first, a later answer is dropped.
func (c *Conn) ask(ctx context.Context, kind wire.Kind, body []byte) ([]byte, error) {
	if len(body) > wire.MaxRequest {
		return nil, fmt.Errorf("request has %d bytes, at most %d are possible", len(body), wire.MaxRequest)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	id, err := c.begin()
	if err != nil {
		return nil, err
	}
	if err := c.write(ctx, wire.Append(nil, wire.Frame{Kind: kind, ID: id, Body: body})); err != nil {
		return nil, c.fail(err) // half a request may be under way
	}
	select {
	case f := <-c.answer:
		return result(f)
	case <-c.done:
		select {
		case f := <-c.answer: // came just before the end
			return result(f)
		default:
			return nil, c.broken()
		}
	case <-ctx.Done():
		c.abandon()
		return nil, ctx.Err()
	}
}

func result(f wire.Frame) ([]byte, error) {
	if f.Kind == wire.KindFailed {
		return nil, fmt.Errorf("%w: %s", ErrGuest, printable(f.Body))
	}
	return f.Body, nil
}

// begin says that a request is under way, and gives it its number.
func (c *Conn) begin() (uint32, error) {
	c.state.Lock()
	defer c.state.Unlock()
	if c.err != nil {
		return 0, c.err
	}
	c.lastID++
	if c.lastID == 0 {
		c.lastID = 1
	}
	c.pending = c.lastID
	return c.lastID, nil
}

// abandon forgets the request under way, and an answer that has just come.
func (c *Conn) abandon() {
	c.state.Lock()
	defer c.state.Unlock()
	c.pending = 0
	select {
	case <-c.answer:
	default:
	}
}

// write writes b, at most until ctx ends.
func (c *Conn) write(ctx context.Context, b []byte) error {
	hurried := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		_ = c.f.SetWriteDeadline(time.Unix(1, 0))
		close(hurried)
	})
	_, err := c.f.Write(b)
	if stop() {
		return err
	}
	<-hurried
	_ = c.f.SetWriteDeadline(time.Time{}) // the next request's is another
	if err != nil {
		err = ctx.Err()
	}
	return err
}

// fail ends the channel for the reason err, which it returns, unless there was one before.
func (c *Conn) fail(err error) error {
	c.state.Lock()
	if c.err == nil {
		c.err = err
	}
	c.state.Unlock()
	_ = c.f.SetReadDeadline(time.Unix(1, 0)) // wakes the reader; an error means that it is awake
	return err
}

// broken is why the channel ended.
func (c *Conn) broken() error {
	c.state.Lock()
	defer c.state.Unlock()
	return c.err
}

// read is the reader's life.
func (c *Conn) read() {
	defer close(c.done)
	for {
		f, err := wire.Read(c.f, nil, wire.MaxReply)
		if err == nil {
			err = c.take(f)
		}
		if err != nil {
			if errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded) {
				err = errors.New("the machine hung up")
			}
			_ = c.fail(err)
			return
		}
	}
}

// take handles what the guest said.
func (c *Conn) take(f wire.Frame) error {
	c.state.Lock()
	defer c.state.Unlock()
	switch f.Kind {
	case wire.KindOK, wire.KindFailed:
		if f.ID == 0 || f.ID > c.lastID {
			return fmt.Errorf("%w: answer to request %d, which nobody made", wire.ErrFormat, f.ID)
		}
		if f.ID == c.pending {
			c.pending = 0
			c.answer <- f // has room: it is the only one of this request
		}
		return nil
	case wire.KindReady:
		e, err := wire.ParseReady(f.Body)
		if err != nil {
			return err
		}
		e.Kernel = printable([]byte(e.Kernel))
		c.readyOnce.Do(func() {
			c.greeting = e
			close(c.ready)
		})
		return nil
	case wire.KindOOM:
		e, err := wire.ParseOOM(f.Body)
		if err != nil {
			return err
		}
		c.oomKills = max(c.oomKills, int(e.Kills))
		return nil
	case wire.KindExited:
		e, err := wire.ParseExited(f.Body)
		if err != nil {
			return err
		}
		if c.exit == nil {
			c.exit = &e
			close(c.exited)
		}
		return nil
	default:
		return fmt.Errorf("%w: kind %#x", wire.ErrFormat, uint8(f.Kind))
	}
}

// printable is text of a guest as it may stand in an error or a log.
func printable(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || r < ' ' || r == 0x7f {
			return '?'
		}
		return r
	}, string(b[:min(len(b), 1<<10)]))
}
