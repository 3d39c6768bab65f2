package eventstream_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/eventstream"
)

var headers = []eventstream.Header{{Name: ":event-type", Value: "PayloadChunk"}, {Name: "x", Value: ""}}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	payloads := []string{"", "x", strings.Repeat("ab", 100<<10)}
	var wire []byte
	for _, p := range payloads {
		wire = eventstream.Append(wire, headers, []byte(p))
	}
	r := eventstream.NewReader(bytes.NewReader(wire))
	for _, p := range payloads {
		m, err := r.Next()
		if err != nil || string(m.Payload) != p || !slices.Equal(m.Headers, headers) || m.Get(":event-type") != "PayloadChunk" || m.Get("none") != "" {
			t.Fatalf("%v, %v", m, err)
		}
	}
	if _, err := r.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v", err)
	}
}

// Vectors of the specification's own test suite. Source: Smithy, "Amazon Event Stream specification", test vectors
// empty_message, payload_no_headers, payload_one_str_header, all_headers.
func TestVectors(t *testing.T) {
	t.Parallel()
	for wire, want := range map[string]struct {
		headers []eventstream.Header
		payload string
	}{
		"000000100000000005c248eb7d98c8ff":                           {},
		"0000001d00000000fd528c5a7b27666f6f273a27626172277dc3653936": {nil, "{'foo':'bar'}"},
		"0000003d0000002007fd8396" + "0c636f6e74656e742d747970650700106170706c69636174696f6e2f6a736f6e" + "7b27666f6f273a27626172277d" + "8d9c08b1": {[]eventstream.Header{{Name: "content-type", Value: "application/json"}}, "{'foo':'bar'}"},
	} {
		b, err := hex.DecodeString(wire)
		if err != nil {
			t.Fatal(err)
		}
		m, err := eventstream.NewReader(bytes.NewReader(b)).Next()
		if err != nil || string(m.Payload) != want.payload || !slices.Equal(m.Headers, want.headers) {
			t.Errorf("%s: %v, %v", wire, m, err)
		}
		if got := eventstream.Append(nil, want.headers, []byte(want.payload)); !bytes.Equal(got, b) {
			t.Errorf("got %x, want %s", got, wire)
		}
	}
}

func TestBrokenStreams(t *testing.T) {
	t.Parallel()
	whole := eventstream.Append(nil, headers, []byte("payload"))
	for i := range whole {
		bad := bytes.Clone(whole)
		bad[i] ^= 1
		if _, err := eventstream.NewReader(bytes.NewReader(bad)).Next(); !errors.Is(err, eventstream.ErrMalformed) {
			t.Errorf("byte %d changed: %v", i, err)
		}
		if _, err := eventstream.NewReader(bytes.NewReader(whole[:i])).Next(); !errors.Is(err, io.ErrUnexpectedEOF) && !(i == 0 && errors.Is(err, io.EOF)) {
			t.Errorf("%d bytes: %v", i, err)
		}
	}
}

// FuzzReader reads arbitrary bytes: whatever is accepted comes back unchanged.
func FuzzReader(f *testing.F) {
	f.Add(eventstream.Append(nil, headers, []byte("payload")))
	f.Add(eventstream.Append(nil, nil, nil))
	f.Add([]byte("HTTP/1.1 200 OK\r\n\r\n"))
	f.Fuzz(func(t *testing.T, wire []byte) {
		for r := eventstream.NewReader(bytes.NewReader(wire)); ; {
			m, err := r.Next()
			if err != nil {
				return
			}
			again, err := eventstream.NewReader(bytes.NewReader(eventstream.Append(nil, m.Headers, m.Payload))).Next()
			if err != nil || !slices.Equal(again.Headers, m.Headers) || !bytes.Equal(again.Payload, m.Payload) {
				t.Fatalf("%v, %v", again, err)
			}
		}
	})
}
