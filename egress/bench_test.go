package egress_test

import (
	"fmt"
	"io"
	"net"
	"runtime"
	"testing"
	"time"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/internal/outside"
)

// BenchmarkOpen opens and closes a port that nobody uses.
func BenchmarkOpen(b *testing.B) {
	network := egress.New(egress.Options{})
	defer network.Close()
	b.ReportAllocs()
	for b.Loop() {
		port, err := network.Open("a")
		if err != nil {
			b.Fatal(err)
		}
		_ = port.Close()
	}
}

// BenchmarkFirstPacket measures from the first packet, which makes the stack, to the answer.
func BenchmarkFirstPacket(b *testing.B) {
	network := egress.New(egress.Options{})
	defer network.Close()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		port, err := network.Open("a")
		if err != nil {
			b.Fatal(err)
		}
		g := newRawGuest(b, port)
		b.StartTimer()
		g.ping(b, 1)
		b.StopTimer()
		_ = port.Close()
		_ = g.file.Close()
		b.StartTimer()
	}
}

// BenchmarkMemory reports what open ports hold: heap and stacks in bytes, and goroutines, per port.
func BenchmarkMemory(b *testing.B) {
	for _, used := range []bool{false, true} {
		b.Run(fmt.Sprintf("used=%t", used), func(b *testing.B) {
			const n = 200
			for b.Loop() {
				network := egress.New(egress.Options{})
				before, goroutines := memory(), runtime.NumGoroutine()
				for i := range n {
					port, err := network.Open(fmt.Sprint(i))
					if err != nil {
						b.Fatal(err)
					}
					if used {
						newRawGuest(b, port).ping(b, 1)
					}
				}
				b.ReportMetric(float64(memory()-before)/n, "B/port")
				b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/n, "goroutines/port")
				_ = network.Close()
			}
		})
	}
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}

// BenchmarkConnect opens a connection, sends a byte, waits for the echo and closes; via=host does the same without a
// sandbox for comparison.
func BenchmarkConnect(b *testing.B) {
	l, addr := outside.Get(b).ListenTCP(b)
	go serveTCP(l, echo)
	roundTrip := func(b *testing.B, dial func() (net.Conn, error)) {
		for b.Loop() {
			c, err := dial()
			if err != nil {
				b.Fatal(err)
			}
			if _, err := c.Write([]byte{1}); err != nil {
				b.Fatal(err)
			}
			if _, err := c.Read(make([]byte, 1)); err != nil {
				b.Fatal(err)
			}
			_ = c.Close()
		}
	}
	b.Run("via=sandbox", func(b *testing.B) {
		_, g := open(b, egress.Options{Limits: egress.Limits{FlowsPerSecond: 1 << 20}})
		b.ReportAllocs()
		roundTrip(b, func() (net.Conn, error) { return g.dialTCP(addr) })
	})
	b.Run("via=host", func(b *testing.B) {
		roundTrip(b, func() (net.Conn, error) { return net.Dial("tcp4", addr.String()) })
	})
}

// BenchmarkRoundTrip sends a byte and waits for the echo on an open connection.
func BenchmarkRoundTrip(b *testing.B) {
	l, addr := outside.Get(b).ListenTCP(b)
	go serveTCP(l, func(c *net.TCPConn) { _ = c.SetDeadline(time.Time{}); echo(c) })
	_, g := open(b, egress.Options{})
	conn := g.mustDialTCP(b, addr)
	_ = conn.SetDeadline(time.Time{})
	buf := make([]byte, 1)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := conn.Write(buf); err != nil {
			b.Fatal(err)
		}
		if _, err := conn.Read(buf); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkThroughput moves pieces of 1 MiB over one connection.
func BenchmarkThroughput(b *testing.B) {
	const piece = 1 << 20
	b.Run("direction=out", func(b *testing.B) {
		l, addr := outside.Get(b).ListenTCP(b)
		go serveTCP(l, func(c *net.TCPConn) { _ = c.SetDeadline(time.Time{}); _, _ = io.Copy(io.Discard, c) })
		_, g := open(b, egress.Options{})
		conn := g.mustDialTCP(b, addr)
		_ = conn.SetDeadline(time.Time{})
		b.SetBytes(piece)
		b.ReportAllocs()
		buf := make([]byte, piece)
		for b.Loop() {
			if _, err := conn.Write(buf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("direction=in", func(b *testing.B) {
		l, addr := outside.Get(b).ListenTCP(b)
		go serveTCP(l, func(c *net.TCPConn) {
			_ = c.SetDeadline(time.Time{})
			for buf := make([]byte, piece); ; {
				if _, err := c.Write(buf); err != nil {
					return
				}
			}
		})
		_, g := open(b, egress.Options{})
		conn := g.mustDialTCP(b, addr)
		_ = conn.SetDeadline(time.Time{})
		b.SetBytes(piece)
		b.ReportAllocs()
		buf := make([]byte, piece)
		for b.Loop() {
			if _, err := io.ReadFull(conn, buf); err != nil {
				b.Fatal(err)
			}
		}
	})
}
