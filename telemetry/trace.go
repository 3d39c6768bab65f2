package telemetry

import (
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"time"
)

// TraceHeader is an X-Ray trace header taken apart: "Root=…;Parent=…;Sampled=1;Lineage=…". Source: AWS X-Ray developer
// guide, "Tracing header".
type TraceHeader struct {
	Root    string
	Parent  string
	Sampled string // "0", "1"; "" or "?" if nobody has decided
	rest    string // members that are none of these, as they were, Lineage among them; each begins with ";"
}

// ParseTraceHeader takes a header apart. Of members that come twice the first counts. The zero value stands for "".
func ParseTraceHeader(text string) TraceHeader {
	var h TraceHeader
	for member := range strings.SplitSeq(text, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(member), "=")
		switch {
		case name == "Root" && h.Root == "":
			h.Root = value
		case name == "Parent" && h.Parent == "":
			h.Parent = value
		case name == "Sampled" && h.Sampled == "":
			h.Sampled = value
		case name != "" && name != "Root" && name != "Parent" && name != "Sampled":
			h.rest += ";" + name + "=" + value
		}
	}
	return h
}

// String puts the header together again, with the members that have a value.
func (h TraceHeader) String() string {
	out := ""
	for _, m := range [...]struct{ name, value string }{{"Root", h.Root}, {"Parent", h.Parent}, {"Sampled", h.Sampled}} {
		if m.value != "" {
			out += ";" + m.name + "=" + m.value
		}
	}
	return strings.TrimPrefix(out+h.rest, ";")
}

// Decided reports whether it is said whether the trace is sampled.
func (h TraceHeader) Decided() bool { return h.Sampled == "0" || h.Sampled == "1" }

// NewTraceRoot returns the id of a new trace: its version, the seconds, 96 random bits.
func NewTraceRoot(now time.Time) string {
	var random [12]byte
	_, _ = rand.Read(random[:])                                             // never fails
	stamp := binary.BigEndian.AppendUint32(nil, uint32(max(0, now.Unix()))) //nolint:gosec // the format has 32 bits
	return "1-" + hex.EncodeToString(stamp) + "-" + hex.EncodeToString(random[:])
}

// NewSegmentID returns 64 random bits, the id of a part of a trace.
func NewSegmentID() string {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails
	return hex.EncodeToString(random[:])
}

// FromTraceparent converts a W3C traceparent header; false if it is not one. Source: W3C Trace Context, "traceparent
// Header"; its mapping to X-Ray: AWS X-Ray developer guide, "Sending trace data with OpenTelemetry".
func FromTraceparent(text string) (TraceHeader, bool) {
	if len(text) < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-' || (len(text) > 55 && (text[:2] == "00" || text[55] != '-')) {
		return TraceHeader{}, false
	}
	version, trace, parent, flags := text[:2], text[3:35], text[36:52], text[53:55]
	if !lowerHex(version) || version == "ff" || !lowerHex(trace) || !lowerHex(parent) || !lowerHex(flags) ||
		strings.Trim(trace, "0") == "" || strings.Trim(parent, "0") == "" {
		return TraceHeader{}, false
	}
	h := TraceHeader{Root: "1-" + trace[:8] + "-" + trace[8:], Parent: parent, Sampled: "0"}
	if strings.IndexByte("13579bdf", flags[1]) >= 0 {
		h.Sampled = "1"
	}
	return h, true
}

// Traceparent is the header in W3C's form; "" if its ids are not of the usual form.
func (h TraceHeader) Traceparent() string {
	root := strings.Split(h.Root, "-")
	if len(root) != 3 || root[0] != "1" || len(root[1]) != 8 || len(root[2]) != 24 || len(h.Parent) != 16 ||
		!lowerHex(root[1]+root[2]+h.Parent) {
		return ""
	}
	flags := "00"
	if h.Sampled == "1" {
		flags = "01"
	}
	return "00-" + root[1] + root[2] + "-" + h.Parent + "-" + flags
}

func lowerHex(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return (r < '0' || r > '9') && (r < 'a' || r > 'f') }) < 0
}
