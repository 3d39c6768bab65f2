package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net"
	"os"
	"strings"
)

// Where things are in the guest's memory.
const (
	cmdlineAt = 1 << 20
	countAt   = 3 << 20
)

// vnetHeader is the length of the header before each frame, as Firecracker sets it.
const vnetHeader = 12

// guest is one connection to the program that runs in the machine. It answers each line with one line.
type guest struct {
	vm   *vm
	port int
	conn net.Conn
}

func (g guest) do(line string) {
	verb, rest, _ := strings.Cut(line, " ")
	answer, err := g.answer(verb, rest)
	if err != nil {
		answer = "error: " + err.Error()
	}
	_, _ = fmt.Fprintln(g.conn, answer)
	if verb == "reboot" {
		os.Exit(0)
	}
}

func (g guest) answer(verb, rest string) (string, error) {
	v := g.vm
	switch verb {
	case "port": // which port is this
		return fmt.Sprint(g.port), nil
	case "count": // counts in memory
		n := binary.LittleEndian.Uint64(v.memory[countAt:]) + 1
		binary.LittleEndian.PutUint64(v.memory[countAt:], n)
		return fmt.Sprint(n), nil
	case "cmdline":
		s, _, _ := strings.Cut(string(v.memory[cmdlineAt:cmdlineAt+4096]), "\x00")
		return s, nil
	case "size": // of drive I
		var i int
		if _, err := fmt.Sscan(rest, &i); err != nil {
			return "", err
		}
		v.mu.Lock()
		defer v.mu.Unlock()
		return fmt.Sprint(v.config.Drives[i].Bytes), nil
	case "read": // drive I, N bytes at OFFSET
		var i, n int
		var at int64
		if _, err := fmt.Sscan(rest, &i, &n, &at); err != nil {
			return "", err
		}
		b := make([]byte, n)
		m, err := v.drives[i].ReadAt(b, at)
		return fmt.Sprintf("%q", b[:m]), err
	case "write": // TEXT to drive I at 0
		var i int
		var text string
		if _, err := fmt.Sscan(rest, &i, &text); err != nil {
			return "", err
		}
		_, err := v.drives[i].WriteAt([]byte(text), 0)
		return "written", err
	case "send": // a frame with its header, in hexadecimal digits
		b, err := hex.DecodeString(rest)
		if err != nil {
			return "", err
		}
		_, err = v.tap.Write(b)
		return "sent", err
	case "receive": // the next frame without its header
		b := make([]byte, 1<<17)
		n, err := v.tap.Read(b)
		if err != nil || n < vnetHeader {
			return "", err
		}
		return hex.EncodeToString(b[vnetHeader:n]), nil
	case "long": // an answer of N bytes
		var n int
		if _, err := fmt.Sscan(rest, &n); err != nil {
			return "", err
		}
		return strings.Repeat("x", n), nil
	case "look": // what names does the jail's directory have
		entries, err := os.ReadDir(rest)
		if err != nil {
			return "", err
		}
		var names []string
		for _, e := range entries {
			names = append(names, e.Name())
		}
		return strings.Join(names, " "), nil
	case "link": // replaces the vsock socket by a link, as a monitor would that was taken over
		return "linked", replaceByLink(v.config.Vsock.Path, rest)
	case "say": // on standard output
		fmt.Println(rest)
		return "said", nil
	case "exit": // with a status
		var status int
		if _, err := fmt.Sscan(rest, &status); err != nil {
			return "", err
		}
		os.Exit(status)
	case "reboot": // ends Firecracker after the answer
		return "bye", nil
	}
	return "", fmt.Errorf("no verb %q", verb)
}

func replaceByLink(path, to string) error {
	if err := os.Remove(path); err != nil {
		return err
	}
	return os.Symlink(to, path)
}
