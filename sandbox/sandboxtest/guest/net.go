package main

import (
	"io"
	"net"
	"time"
)

const netPatience = 5 * time.Second

// open are PID 1's connections, by address. One that failed is not among them.
var open = map[string]net.Conn{}

func talk(addr, text string) (string, error) {
	c := open[addr]
	if c == nil {
		var err error
		if c, err = net.DialTimeout("tcp", addr, netPatience); err != nil {
			return "", err
		}
		open[addr] = c
	}
	answer, err := exchange(c, text)
	if err != nil {
		_ = c.Close()
		delete(open, addr)
	}
	return answer, err
}

func exchange(c net.Conn, text string) (string, error) {
	if err := c.SetDeadline(time.Now().Add(netPatience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	b := make([]byte, len(text))
	n, err := io.ReadFull(c, b)
	return string(b[:n]), err
}

func ask(addr, text string) (string, error) {
	c, err := net.DialTimeout("udp", addr, netPatience)
	if err != nil {
		return "", err
	}
	defer func() { _ = c.Close() }()
	if err := c.SetDeadline(time.Now().Add(netPatience)); err != nil {
		return "", err
	}
	if _, err := io.WriteString(c, text); err != nil {
		return "", err
	}
	b := make([]byte, 64<<10)
	n, err := c.Read(b)
	return string(b[:n]), err
}
