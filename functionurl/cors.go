package functionurl

import (
	"net/http"
	"slices"
	"strconv"
	"strings"

	"thaw.dev/thaw/lambda"
)

// IsPreflight reports whether a request is a browser's question about another one, which is answered without invoking. A URL
// without cross-origin rules passes it to the function.
func IsPreflight(c *lambda.Cors, r *http.Request) bool {
	return c != nil && r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// Preflight writes the headers of the answer to a preflight. To origins, methods and headers that are not allowed nothing is
// said, by which browsers know.
func Preflight(c *lambda.Cors, r *http.Request, h http.Header) {
	if !origin(c, r, h) {
		return
	}
	if len(c.AllowMethods) > 0 {
		h.Set("Access-Control-Allow-Methods", strings.Join(c.AllowMethods, ","))
	}
	if len(c.AllowHeaders) > 0 {
		h.Set("Access-Control-Allow-Headers", strings.Join(c.AllowHeaders, ","))
	}
	if c.MaxAge > 0 {
		h.Set("Access-Control-Max-Age", strconv.Itoa(c.MaxAge))
	}
}

// Cross writes the cross-origin headers of an answer in place of the function's own. Without rules those stay.
func Cross(c *lambda.Cors, r *http.Request, h http.Header) {
	if c == nil {
		return
	}
	for name := range h {
		if strings.HasPrefix(name, "Access-Control-") {
			h.Del(name)
		}
	}
	if origin(c, r, h) && len(c.ExposeHeaders) > 0 {
		h.Set("Access-Control-Expose-Headers", strings.Join(c.ExposeHeaders, ","))
	}
}

// origin says in h whether the request's origin is allowed. Where all are, the answer is the same for all: browsers then
// refuse to send credentials, also if the rules allow them.
func origin(c *lambda.Cors, r *http.Request, h http.Header) bool {
	from := r.Header.Get("Origin")
	switch {
	case from == "":
		return false
	case slices.Contains(c.AllowOrigins, "*"):
		h.Set("Access-Control-Allow-Origin", "*")
	case slices.ContainsFunc(c.AllowOrigins, func(o string) bool { return strings.EqualFold(o, from) }):
		h.Set("Access-Control-Allow-Origin", from)
		h.Add("Vary", "Origin")
	default:
		return false
	}
	if c.AllowCredentials {
		h.Set("Access-Control-Allow-Credentials", "true")
	}
	return true
}
