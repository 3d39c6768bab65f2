package telemetryapi

import (
	"bufio"
	"bytes"
	"errors"
	"net"
	"strconv"
	"strings"
	"sync"
	"time"
)

// deliverTimeout bounds one try to deliver.
const deliverTimeout = 5 * time.Second

// sender delivers batches, one at a time, over a connection that it keeps.
type sender struct {
	mu     sync.Mutex // guards what follows; not held while something is sent
	conn   net.Conn
	in     *bufio.Reader
	to     destination // of conn
	closed bool
}

// send delivers the batch, by a new connection if the one it had has gone. It reports whether that went well.
func (s *sender) send(to *destination, batch [][]byte) bool {
	message := to.message(batch)
	for range 2 {
		fresh, err := s.connect(to)
		if err == nil {
			if err = s.exchange(to, message); err == nil {
				return true
			}
			s.drop()
		}
		if fresh || errors.Is(err, errRefused) {
			return false
		}
	}
	return false
}

// connect makes sure that there is a connection, and reports whether it is new.
func (s *sender) connect(to *destination) (fresh bool, err error) {
	s.mu.Lock()
	have := s.conn != nil && s.to == *to
	s.mu.Unlock()
	if have {
		return false, nil
	}
	s.drop()
	conn, err := net.DialTimeout("tcp", "127.0.0.1:"+strconv.Itoa(to.port), deliverTimeout)
	if err != nil {
		return true, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		_ = conn.Close()
		return true, net.ErrClosed
	}
	s.conn, s.in, s.to = conn, bufio.NewReaderSize(conn, maxAnswerLine), *to
	return true, nil
}

// drop closes the connection.
func (s *sender) drop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.conn != nil {
		_ = s.conn.Close()
		s.conn = nil
	}
}

func (s *sender) close() {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.drop()
}

// message is the batch as it goes over the wire.
func (d *destination) message(batch [][]byte) []byte {
	if d.tcp {
		return append(bytes.Join(batch, []byte{'\n'}), '\n')
	}
	body := bytes.Join(batch, []byte{','})
	head := d.method + " " + d.path + " HTTP/1.1\r\nHost: sandbox.localdomain:" + strconv.Itoa(d.port) +
		"\r\nContent-Type: application/json\r\nContent-Length: " + strconv.Itoa(len(body)+2) + "\r\n\r\n["
	return append(append([]byte(head), body...), ']')
}

// errRefused is returned when the extension answered that it does not take a batch.
var errRefused = errors.New("refused")

// exchange writes the message and, with HTTP, reads the answer.
func (s *sender) exchange(to *destination, message []byte) error {
	s.mu.Lock()
	conn, in := s.conn, s.in
	s.mu.Unlock()
	if conn == nil {
		return net.ErrClosed
	}
	_ = conn.SetDeadline(time.Now().Add(deliverTimeout))
	if _, err := conn.Write(message); err != nil || to.tcp {
		return err
	}
	status, stays, err := readAnswer(in)
	if err != nil {
		return err
	}
	if !stays {
		s.drop()
	}
	if status < 200 || status > 299 {
		return errRefused
	}
	return nil
}

// Bounds of an answer; one that exceeds them costs the connection.
const (
	maxAnswerLine  = 4 << 10
	maxAnswerLines = 64
	maxAnswerBody  = 64 << 10
)

var errAnswer = errors.New("no usable HTTP answer")

// readAnswer reads an answer, whose body nobody wants. stays reports whether the connection can be used again.
func readAnswer(in *bufio.Reader) (status int, stays bool, err error) {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return 0, false, err
	}
	version, rest, _ := strings.Cut(strings.TrimRight(string(line), "\r\n"), " ")
	code, _, _ := strings.Cut(rest, " ")
	if status, err = strconv.Atoi(code); err != nil || !strings.HasPrefix(version, "HTTP/1.") || status < 100 {
		return 0, false, errAnswer
	}
	length, stays := -1, version == "HTTP/1.1"
	for range maxAnswerLines {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return 0, false, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" {
			if status == 204 {
				length = 0
			}
			if length < 0 || length > maxAnswerBody {
				return status, false, nil
			}
			_, err := in.Discard(length)
			return status, stays && err == nil, nil
		}
		name, value, _ := strings.Cut(text, ":")
		switch value = strings.TrimSpace(value); {
		case strings.EqualFold(name, "Content-Length"):
			if n, err := strconv.Atoi(value); err == nil && n >= 0 {
				length = n
			}
		case strings.EqualFold(name, "Connection") && strings.EqualFold(value, "close"), strings.EqualFold(name, "Transfer-Encoding"):
			stays = false
		}
	}
	return 0, false, errAnswer
}
