// Command bootstrap is the hello function that package bench builds as a custom runtime, from the standard library
// alone. Outside of Lambda it is the baseline's child: one event per line on stdin, one result per line on stdout.
package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
)

func handle(event []byte) ([]byte, error) {
	var in struct{ Name string }
	if err := json.Unmarshal(event, &in); err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"message": "Hello, " + in.Name})
}

func main() {
	var err error
	switch api := os.Getenv("AWS_LAMBDA_RUNTIME_API"); {
	case api != "":
		err = serve("http://" + api + "/2018-06-01/runtime/invocation/")
	case len(os.Args) > 1: // the baseline of a cold start: run, write something, end
		fmt.Println(os.Args[1])
	default:
		err = pipe()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// serve speaks Lambda's Runtime API until the environment ends.
func serve(base string) error {
	for {
		next, err := http.Get(base + "next") //nolint:gosec,noctx // the environment's own address, waits for as long as it takes
		if err != nil {
			return err
		}
		event, err := io.ReadAll(next.Body)
		_ = next.Body.Close()
		if err != nil {
			return err
		}
		result, err := handle(event)
		if err != nil {
			return err
		}
		answer, err := http.Post(base+next.Header.Get("Lambda-Runtime-Aws-Request-Id")+"/response", "application/json", bytes.NewReader(result)) //nolint:gosec,noctx // see above
		if err != nil {
			return err
		}
		_, _ = io.Copy(io.Discard, answer.Body) // so that the connection is kept
		_ = answer.Body.Close()
	}
}

func pipe() error {
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		result, err := handle(lines.Bytes())
		if err != nil {
			return err
		}
		if _, err := os.Stdout.Write(append(result, '\n')); err != nil {
			return err
		}
	}
	return lines.Err()
}
