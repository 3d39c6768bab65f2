package runtimeapi

import (
	"errors"
	"net"

	"thaw.dev/thaw/agent/http1"
)

// maxDropBytes is how much of a body that nobody wants is read so that the connection can be used again. It lets
// clients that send everything before they read the answer see a refusal instead of a broken connection.
const maxDropBytes = 64 << 20

// conn is one connection of the runtime.
type conn struct {
	s  *Server
	nc net.Conn
}

// serve runs the connection until either side closes it.
func (c *conn) serve() {
	defer c.s.wg.Done()
	defer c.leave()
	r := http1.NewReader(c.nc)
	for {
		req, err := r.Next()
		if c.isWaiting() {
			return // the client left, or does not wait for its answer, which nobody needs to support
		}
		if err != nil {
			if errors.Is(err, http1.ErrMalformed) {
				c.writeLast(refuse(400, "InvalidRequest", err.Error()))
			}
			return
		}
		answer := c.s.route(c, req)
		if req.Body.Discard(maxDropBytes) != nil {
			req.Close = true
		}
		if answer.Status == 0 {
			continue
		}
		if answer.Write(c.nc, req.Close) != nil || req.Close {
			return
		}
	}
}

func (c *conn) write(a http1.Answer)     { _ = a.Write(c.nc, false) }
func (c *conn) writeLast(a http1.Answer) { _ = a.Write(c.nc, true) }

// displace ends a connection, if there is one, whose call another of the same kind has replaced.
func (c *conn) displace(call string) {
	if c != nil {
		c.writeLast(refuse(403, invalidState, "another call of "+call+" took the place of this one"))
		_ = c.nc.Close()
	}
}

func (c *conn) isWaiting() bool {
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	return c.s.waiting == c
}

func (c *conn) leave() {
	_ = c.nc.Close()
	c.s.mu.Lock()
	defer c.s.mu.Unlock()
	delete(c.s.conns, c)
	if c.s.waiting == c {
		c.s.waiting = nil
	}
}
