package gateway

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
	"time"
)

// maxTraceID bounds a caller's trace header, in bytes; it goes into every environment it reaches.
const maxTraceID = 1024

// traceID is the caller's X-Ray header, or a new one of a trace that is not sampled if there is no usable header.
func traceID(header string) string {
	if header != "" && len(header) <= maxTraceID && strings.IndexFunc(header, unprintable) < 0 {
		return header
	}
	var random [20]byte
	_, _ = rand.Read(random[:])      // never fails
	now := uint32(time.Now().Unix()) //nolint:gosec // the format has 32 bits
	stamp := []byte{byte(now >> 24), byte(now >> 16), byte(now >> 8), byte(now)}
	return "Root=1-" + hex.EncodeToString(stamp) + "-" + hex.EncodeToString(random[:12]) +
		";Parent=" + hex.EncodeToString(random[12:]) + ";Sampled=0"
}

func unprintable(r rune) bool { return r < ' ' || r > '~' }
