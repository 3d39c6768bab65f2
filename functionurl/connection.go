package functionurl

import (
	"net/http"
	"net/textproto"
	"strings"
)

// hopByHop reports whether a header, in lower case, is about a connection and not about what is sent over it. Source: RFC 9110,
// 7.6.1, and the older ones that proxies take for such.
func hopByHop(name string) bool {
	switch name {
	case "connection", "keep-alive", "proxy-authenticate", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade":
		return true
	}
	return false
}

// connectionOptions are the headers, in lower case, that a request declares to be about its connection.
func connectionOptions(h http.Header) []string {
	var out []string
	for _, line := range h["Connection"] {
		for option := range strings.SplitSeq(line, ",") {
			if option = textproto.TrimString(option); option != "" {
				out = append(out, strings.ToLower(option))
			}
		}
	}
	return out
}
