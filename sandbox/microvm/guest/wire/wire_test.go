package wire_test

import (
	"bytes"
	"errors"
	"io"
	"reflect"
	"testing"

	"thaw.dev/thaw/sandbox/microvm/guest/wire"
)

var (
	setup = wire.Setup{
		Args: []string{"/thaw/agent", ""}, Env: []string{"A=b"},
		Mounts:  []wire.Mount{{Drive: 1, Target: "/var/task"}, {Drive: 15, Target: "/opt"}},
		Refresh: refresh,
	}
	refresh = wire.Refresh{
		UnixNanos: -1, Entropy: []byte{1, 2, 3}, Hostname: []byte("name"),
		Network: wire.Network{Address: []byte{10, 0, 0, 1}, Bits: 24, Gateway: []byte{10, 0, 0, 2}, MAC: []byte{2, 0, 0, 0, 0, 1}, MTU: 1500},
		Limits:  wire.Limits{MemoryBytes: 1 << 40, Pids: 3},
	}
	clock  = wire.Clock{UnixNanos: 1 << 60}
	ready  = wire.Ready{Version: 1, BootedMs: 2, Kernel: "6.1"}
	stats  = wire.Stats{PeakMemoryBytes: 2, OOMKills: 4}
	exited = wire.Exited{Code: -1, Signal: 9}
	oom    = wire.OOM{Kills: 5}
)

// body is one of the bodies above, as bytes and back.
type body struct {
	bytes []byte
	value any
	parse func([]byte) (any, error)
}

func bodies() map[string]body {
	return map[string]body{
		"setup":   {setup.Append(nil), setup, func(b []byte) (any, error) { return wire.ParseSetup(b) }},
		"mount":   {setup.Mounts[0].Append(nil), setup.Mounts[0], func(b []byte) (any, error) { return wire.ParseMount(b) }},
		"limits":  {refresh.Limits.Append(nil), refresh.Limits, func(b []byte) (any, error) { return wire.ParseLimits(b) }},
		"refresh": {refresh.Append(nil), refresh, func(b []byte) (any, error) { return wire.ParseRefresh(b) }},
		"clock":   {clock.Append(nil), clock, func(b []byte) (any, error) { return wire.ParseClock(b) }},
		"ready":   {ready.Append(nil), ready, func(b []byte) (any, error) { return wire.ParseReady(b) }},
		"stats":   {stats.Append(nil), stats, func(b []byte) (any, error) { return wire.ParseStats(b) }},
		"exited":  {exited.Append(nil), exited, func(b []byte) (any, error) { return wire.ParseExited(b) }},
		"oom":     {oom.Append(nil), oom, func(b []byte) (any, error) { return wire.ParseOOM(b) }},
	}
}

func TestBodies(t *testing.T) {
	t.Parallel()
	for name, b := range bodies() {
		got, err := b.parse(b.bytes)
		if err != nil || !reflect.DeepEqual(got, b.value) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		for n := range b.bytes {
			if _, err := b.parse(b.bytes[:n]); !errors.Is(err, wire.ErrFormat) {
				t.Errorf("%s cut to %d bytes: %v", name, n, err)
			}
		}
		if _, err := b.parse(append(b.bytes, 0)); !errors.Is(err, wire.ErrFormat) {
			t.Errorf("%s and a byte: %v", name, err)
		}
	}
}

func TestFrames(t *testing.T) {
	t.Parallel()
	var stream []byte
	frames := []wire.Frame{{Kind: wire.KindStats, ID: 7, Body: []byte{}}, {Kind: wire.KindFailed, ID: 1 << 31, Body: []byte("text")}}
	for _, f := range frames {
		stream = wire.Append(stream, f)
	}
	r := bytes.NewReader(stream)
	for _, want := range frames {
		if got, err := wire.Read(r, nil, 4); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %+v, %v", got, err)
		}
	}
	if _, err := wire.Read(r, nil, 4); !errors.Is(err, io.EOF) {
		t.Errorf("at the end: %v", err)
	}
	if _, err := wire.Read(bytes.NewReader(stream[9:]), nil, 3); !errors.Is(err, wire.ErrFormat) {
		t.Errorf("beyond the limit: %v", err)
	}
	if _, err := wire.Read(bytes.NewReader(stream[9:20]), nil, 4); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("half a frame: %v", err)
	}
}

// FuzzFrame: whatever a guest sends is either refused or means exactly what its bytes say.
func FuzzFrame(f *testing.F) {
	kinds := map[wire.Kind]string{
		wire.KindSetup: "setup", wire.KindMount: "mount", wire.KindLimit: "limits", wire.KindRefresh: "refresh", wire.KindClock: "clock",
		wire.KindReady: "ready", wire.KindExited: "exited", wire.KindOOM: "oom", wire.KindOK: "stats",
	}
	all := bodies()
	for kind, name := range kinds {
		f.Add(wire.Append(nil, wire.Frame{Kind: kind, ID: 1, Body: all[name].bytes}))
	}
	f.Fuzz(func(t *testing.T, stream []byte) {
		frame, err := wire.Read(bytes.NewReader(stream), nil, wire.MaxReply)
		if err != nil {
			return
		}
		if got := wire.Append(nil, frame); !bytes.Equal(got, stream[:len(got)]) {
			t.Errorf("%x became %x", stream, got)
		}
		b, ok := all[kinds[frame.Kind]]
		if !ok {
			return
		}
		value, err := b.parse(frame.Body)
		if err != nil {
			return
		}
		p := reflect.New(reflect.TypeOf(value)) // Append has a pointer as its receiver
		p.Elem().Set(reflect.ValueOf(value))
		again := p.MethodByName("Append").Call([]reflect.Value{reflect.ValueOf([]byte(nil))})[0].Bytes()
		if !bytes.Equal(again, frame.Body) {
			t.Errorf("%x was understood as %+v, which is %x", frame.Body, value, again)
		}
	})
}
