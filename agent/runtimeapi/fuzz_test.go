package runtimeapi_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
)

// one is a listener with one connection.
type one struct {
	conn   chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (o *one) Accept() (net.Conn, error) {
	select {
	case c := <-o.conn:
		return c, nil
	case <-o.closed:
		return nil, net.ErrClosed
	}
}

func (o *one) Close() error {
	o.once.Do(func() { close(o.closed) })
	return nil
}

func (o *one) Addr() net.Addr { return &net.TCPAddr{} }

// FuzzRuntime sends arbitrary bytes as a runtime. Whatever they are, the host sees messages in the order of the
// protocol, each answer once, none over the limit.
func FuzzRuntime(f *testing.F) {
	const next = "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\n\r\n"
	const post = "POST /2018-06-01/runtime/invocation/"
	f.Add([]byte(next), true)
	f.Add([]byte(next+post+"id/response HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"+next), true)
	f.Add([]byte(next+post+"id/response HTTP/1.1\r\nContent-Length: 9\r\n\r\n{}"), true)
	f.Add([]byte(next+post+"id/response HTTP/1.1\r\nTransfer-Encoding: chunked\r\nLambda-Runtime-Function-Response-Mode: streaming\r\n\r\n"+
		"1\r\na\r\n0\r\nLambda-Runtime-Function-Error-Type: X\r\n\r\n"), true)
	f.Add([]byte(next+post+"id/error HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n{}"), true)
	f.Add([]byte("POST /2018-06-01/runtime/init/error HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"+next), false)
	f.Add([]byte("GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n\r\n"), false)
	f.Add([]byte("GET /2018-06-01/runtime/restore/next HTTP/1.1\r\n\r\n"+"POST /2018-06-01/runtime/restore/error HTTP/1.1\r\nContent-Length: 2\r\n\r\n{}"), false)
	f.Add([]byte(post+"id/response HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n"+next), true)
	f.Fuzz(func(t *testing.T, in []byte, early bool) {
		synctest.Test(t, func(t *testing.T) {
			var sent []link.Type // written by the connection's goroutine only, read after Close
			ln := &one{conn: make(chan net.Conn, 1), closed: make(chan struct{})}
			api := runtimeapi.New(ln, func(ty link.Type, meta *link.ReplyMeta, payload []byte) error {
				if len(payload) > lambda.MaxResponseBytes {
					t.Errorf("payload of %d bytes", len(payload))
				}
				if meta != nil && ty != link.TypeInitError && meta.ID != "id" {
					t.Errorf("answer to %q", meta.ID)
				}
				sent = append(sent, ty)
				return nil
			}, runtimeapi.NotFound)
			api.Serves(true)
			go api.Serve()
			if early {
				if err := api.Deliver(&link.Event{EventMeta: link.EventMeta{ID: "id"}, Payload: []byte("{}")}); err != nil {
					t.Error(err)
				}
			}
			speak := func() {
				server, client := net.Pipe()
				ln.conn <- server
				go func() { _, _ = io.Copy(io.Discard, client) }()
				_ = client.SetWriteDeadline(time.Now().Add(time.Second))
				_, _ = client.Write(in)
				synctest.Wait()
				t.Cleanup(func() { _ = client.Close() })
			}
			speak()
			if !early { // an error means that the runtime is not there yet
				_ = api.Snapshot()
				_ = api.Restored()
				speak()
			}
			api.Drain(time.Second)
			api.Close()
			synctest.Wait()
			checkOrder(t, sent, early)
		})
	})
}

func checkOrder(t *testing.T, sent []link.Type, event bool) {
	t.Helper()
	may := map[link.Type][]link.Type{ // what may follow; 0 is the beginning
		0:                  {link.TypeReady, link.TypeInitError},
		link.TypeReady:     {link.TypeResult, link.TypeError, link.TypeStream},
		link.TypeStream:    {link.TypePart, link.TypeResult, link.TypeError},
		link.TypePart:      {link.TypePart, link.TypeResult, link.TypeError},
		link.TypeResult:    {link.TypeIdle},
		link.TypeError:     {link.TypeIdle},
		link.TypeIdle:      {}, // there is one event only
		link.TypeInitError: {},
	}
	if !event {
		may[link.TypeReady] = []link.Type{link.TypeReady, link.TypeInitError} // after a snapshot, after a restore
	}
	var last link.Type
	for _, ty := range sent {
		ok := false
		for _, m := range may[last] {
			ok = ok || m == ty
		}
		if !ok {
			t.Fatalf("messages %#x", sent)
		}
		last = ty
	}
}
