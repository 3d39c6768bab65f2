package qemu

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"strconv"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/internal/hostfile"
)

// Bounds of what QEMU may answer. Once a guest runs in it, every answer may be an attacker's.
const (
	maxMessage  = 1 << 20  // bytes of one message
	maxMessages = 100_000  // messages until all answers to what was asked are there
	maxText     = 1 << 10  // bytes of an error's text that are kept
	qmpBuffer   = 16 << 10 // bytes
)

// command is a QMP command. Its arguments are marshalled as they are.
type command struct {
	name string
	args any
	file *os.File // goes with the command as a descriptor; may be nil
}

// message is what QEMU sends: a greeting, the answer to a command, or an event.
type message struct {
	ID     string          `json:"id"`
	QMP    json.RawMessage `json:"QMP"`
	Return json.RawMessage `json:"return"`
	Error  *struct {
		Desc string `json:"desc"`
	} `json:"error"`
	Event string          `json:"event"`
	Data  json.RawMessage `json:"data"`
}

// qmp is a connection to QEMU's monitor. One goroutine at a time uses it. It reads only while a command is under way;
// events that come in between wait in the socket, and QEMU's memory.
type qmp struct {
	conn   *net.UnixConn
	in     *bufio.Reader
	last   int   // number of the last command
	broken error // why the connection cannot be used any more: question and answer may be out of step
}

func newQMP(conn *net.UnixConn) *qmp {
	return &qmp{conn: conn, in: bufio.NewReaderSize(conn, qmpBuffer)}
}

func (q *qmp) close() error { return q.conn.Close() }

// greet waits for QEMU to be there and turns commands on.
func (q *qmp) greet(ctx context.Context) error {
	err := q.within(ctx, func() error {
		m, err := q.read()
		if err == nil && m.QMP == nil {
			err = errors.New("the first message is no greeting")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("qmp: %w", err)
	}
	return q.do(ctx, command{name: "qmp_capabilities"})
}

// do runs commands and waits for all answers. QEMU runs them one after the other, also after one has failed; the error
// is the first's.
func (q *qmp) do(ctx context.Context, cmds ...command) error {
	return q.doUntil(ctx, nil, cmds...)
}

// doUntil runs commands and waits for all answers and, before or after them, for an event with which end returns true. A
// nil end waits for none. When a command fails it does not wait for the event; when end does it waits for nothing more.
func (q *qmp) doUntil(ctx context.Context, end func(message) (bool, error), cmds ...command) error {
	return q.within(ctx, func() error {
		first := q.last + 1
		for _, c := range cmds {
			if err := q.send(c); err != nil {
				return err
			}
		}
		var failed error
		ended := end == nil
		answered, messages := 0, 0
		for answered < len(cmds) || (!ended && failed == nil) {
			m, err := q.read()
			if err != nil {
				return err
			}
			if messages++; messages > maxMessages {
				return errTooMany
			}
			if m.Event != "" {
				if end == nil || ended {
					continue
				}
				if ended, err = end(m); err != nil {
					return fmt.Errorf("%s: %w", m.Event, err)
				}
				continue
			}
			if answered == len(cmds) || m.ID != strconv.Itoa(first+answered) {
				return fmt.Errorf("an answer to %.20q, which was not asked", m.ID)
			}
			if m.Error != nil && failed == nil {
				failed = &refusal{what: cmds[answered].name, why: fmt.Sprintf("%.*s", maxText, m.Error.Desc)}
			}
			answered++
		}
		return failed
	})
}

// refusal is QEMU's answer that it did not do something. The connection stays usable.
type refusal struct{ what, why string }

func (r *refusal) Error() string { return r.what + ": " + r.why }

// within runs f, whose reads and writes end when ctx does. Any error but a refusal breaks the connection.
func (q *qmp) within(ctx context.Context, f func() error) error {
	if q.broken != nil {
		return q.broken
	}
	if err := context.Cause(ctx); err != nil {
		return err
	}
	stop := context.AfterFunc(ctx, func() { _ = q.conn.SetDeadline(time.Unix(1, 0)) })
	err := f()
	var refused *refusal
	if !stop() { // a late deadline may hit the next command
		q.broken = context.Cause(ctx)
		return errors.Join(q.broken, err)
	}
	if err != nil && !errors.As(err, &refused) {
		q.broken = fmt.Errorf("qmp: %w", err)
		return q.broken
	}
	return err
}

func (q *qmp) send(c command) error {
	q.last++
	m := map[string]any{"execute": c.name, "id": strconv.Itoa(q.last)}
	if c.args != nil {
		m["arguments"] = c.args
	}
	b, err := json.Marshal(m)
	if err != nil {
		return err
	}
	b = append(b, '\n')
	if c.file == nil {
		_, err = q.conn.Write(b)
		return err
	}
	var n int
	err = hostfile.Control(c.file, func(fd uintptr) (err error) {
		n, _, err = q.conn.WriteMsgUnix(b, unix.UnixRights(int(fd)), nil)
		return err
	})
	if err == nil && n < len(b) { // the descriptor went with the first bytes
		_, err = q.conn.Write(b[n:])
	}
	return err
}

func (q *qmp) read() (message, error) {
	line, err := readLine(q.in)
	if err != nil {
		return message{}, err
	}
	return parse(line)
}

// Errors of a QEMU that does what QEMU does not do.
var (
	errTooLong = fmt.Errorf("a message of more than %d bytes", maxMessage)
	errTooMany = fmt.Errorf("more than %d messages and no answer", maxMessages)
)

// readLine reads one line of at most maxMessage bytes.
func readLine(in *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := in.ReadSlice('\n')
		line = append(line, part...)
		switch {
		case len(line) > maxMessage:
			return nil, errTooLong
		case err == nil:
			return line, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, err
		}
	}
}

// parse reads one message.
func parse(line []byte) (message, error) {
	var m message
	if err := json.Unmarshal(line, &m); err != nil {
		return message{}, fmt.Errorf("a message that is none: %w", err)
	}
	if m.Event == "" && m.QMP == nil && m.Error == nil && m.Return == nil {
		return message{}, errors.New("a message that says nothing")
	}
	return m, nil
}
