// Command guest is PID 1 of the sandboxes that package sandboxtest creates. It does on command what tenants do, good
// and bad. It says hello on file descriptor 0 and then answers there, one JSON object per line each way; the types are
// in package sandboxtest/guest/wire.
package main

import (
	"bufio"
	"encoding/json"
	"os"
	"strconv"

	"thaw.dev/thaw/sandbox/sandboxtest/guest/wire"
)

func main() {
	if len(os.Args) > 1 {
		tenant(os.Args[1], os.Args[2:])
		return
	}
	control := os.NewFile(0, "control")
	out := json.NewEncoder(control)
	if err := out.Encode(wire.Hello{Hello: true, UID: os.Getuid()}); err != nil {
		os.Exit(90)
	}
	in := bufio.NewScanner(control)
	in.Buffer(nil, 8<<20)
	for in.Scan() {
		var req wire.Request
		if err := json.Unmarshal(in.Bytes(), &req); err != nil {
			os.Exit(91)
		}
		if err := out.Encode(serve(&req)); err != nil {
			os.Exit(92)
		}
	}
}

// serve does what PID 1 does itself.
func serve(req *wire.Request) (resp wire.Response) {
	var err error
	switch req.Op {
	case wire.Echo:
		resp.Text = req.Text
	case wire.Exit:
		os.Exit(int(req.N))
	case wire.Print:
		_, err = os.Stderr.WriteString(req.Text)
	case wire.Garbage:
		err = garbage(req.N)
	case wire.List:
		resp.Names, err = list(req.Path)
	case wire.Read:
		resp.Text, err = read(req.Path)
	case wire.Write:
		err = os.WriteFile(req.Path, []byte(req.Text), 0o600)
	case wire.Free:
		resp.N, err = free(req.Path)
	case wire.Count:
		counter++
		resp.N = counter
	case wire.ReadOn:
		resp.Text, err = readOn(req.Path, req.N)
	case wire.AskChild:
		resp.N, err = askChild()
	case wire.Random:
		resp.Text, err = random()
	case wire.Clocks:
		resp.N, resp.Text, err = clocks()
	case wire.Hostname:
		resp.Text, err = os.Hostname()
	case wire.Connect:
		err = connect(req.Text)
	case wire.Talk:
		resp.Text, err = talk(req.Path, req.Text)
	case wire.Ask:
		resp.Text, err = ask(req.Path, req.Text)
	case wire.Start:
		err = start(req)
	case wire.Run:
		resp.N, resp.Text, err = run(req)
	default:
		resp.Err = "unknown op " + strconv.Quote(req.Op)
	}
	if err != nil {
		resp.Err = err.Error()
	}
	return resp
}
