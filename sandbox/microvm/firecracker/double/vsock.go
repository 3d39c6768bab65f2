package main

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// requestPatience is how long a guest may take to accept, in Firecracker.
const requestPatience = 2 * time.Second

// The guest's listeners.
const (
	firstPort = 1024
	ports     = 4
)

var hostPort atomic.Uint32

// serveVsock takes connections from the host.
func (v *vm) serveVsock(l net.Listener) {
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		go v.connect(conn)
	}
}

// connect does "CONNECT <port>\n" and gives the connection to the guest.
func (v *vm) connect(conn net.Conn) {
	defer func() { _ = conn.Close() }()
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil {
		return
	}
	number, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "CONNECT ")
	port, err := strconv.Atoi(number)
	if !ok || err != nil || !v.awaitRunning(requestPatience) {
		return
	}
	v.mu.Lock()
	listening, generation := v.listening, v.generation
	v.mu.Unlock()
	if !listening || port < firstPort || port >= firstPort+ports {
		return
	}
	if _, err := fmt.Fprintf(conn, "OK %d\n", 1<<30+hostPort.Add(1)); err != nil {
		return
	}
	g := guest{vm: v, port: port - firstPort, conn: conn}
	for {
		line, err := r.ReadString('\n')
		if err != nil {
			return
		}
		for !v.awaitRunning(time.Hour) {
		}
		v.mu.Lock()
		forgotten := v.generation != generation
		v.mu.Unlock()
		if forgotten {
			return // the guest answers with a reset
		}
		g.do(strings.TrimSuffix(line, "\n"))
	}
}
