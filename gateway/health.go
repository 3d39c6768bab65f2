package gateway

import (
	"net/http"
)

// health answers GET /healthz: the process serves.
func (c *call) health() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return c.unknown()
	}
	c.respond(http.StatusOK, "text/plain; charset=utf-8", []byte("ok\n"))
	return nil
}

// readiness answers GET /readyz: 200 when functions can be invoked, else 503 with the reason.
func (c *call) readiness() error {
	if c.r.Method != http.MethodGet && c.r.Method != http.MethodHead {
		return c.unknown()
	}
	if err := c.ready(); err != nil {
		c.respond(http.StatusServiceUnavailable, "text/plain; charset=utf-8", []byte(err.Error()+"\n"))
		return nil
	}
	return c.health()
}
