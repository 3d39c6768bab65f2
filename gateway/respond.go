package gateway

import (
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
)

// respond writes the whole answer; contentType "" is for answers without a body.
func (c *call) respond(status int, contentType string, body []byte) {
	h := c.w.Header()
	if contentType != "" {
		h["Content-Type"] = []string{contentType}
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	c.status = status
	c.w.WriteHeader(status)
	if len(body) > 0 {
		_, _ = c.w.Write(body) // an error means that the caller left
	}
}

// json answers with v.
func (c *call) json(status int, v any) error {
	body, err := api.Encode(v)
	if err != nil {
		return err
	}
	c.respond(status, "application/json", body)
	return nil
}

// nothing answers 204.
func (c *call) nothing() error {
	c.respond(http.StatusNoContent, "", nil)
	return nil
}
