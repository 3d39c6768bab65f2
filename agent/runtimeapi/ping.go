package runtimeapi

import "thaw.dev/thaw/agent/http1"

// ping is GET /ping.
func ping() http1.Answer {
	return http1.Answer{
		Status: 200,
		Fields: []http1.Field{{Name: "Content-Type", Value: "text/plain; charset=utf-8"}},
		Body:   []byte("pong"),
	}
}
