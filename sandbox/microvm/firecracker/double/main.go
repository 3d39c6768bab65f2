// Command double behaves like Firecracker's programs, as far as they are documented, for the tests of package
// firecracker: called "jailer" it is the jailer, by any other name Firecracker. It runs no virtual machine: a few lines
// of Go play a guest, with memory, drives, a network device and listeners on vsock.
//
// What it takes over from Firecracker 1.8: the jailer's arguments, the order of its steps and what they leave
// (docs/jailer.md); paths, fields, answers and faults of the API and when a call is allowed (the OpenAPI description
// firecracker.yaml, docs/api_requests, docs/snapshotting); the protocol on the vsock socket (docs/vsock.md), including
// that a snapshot makes the guest forget its connections. Fields it does not know, values outside of their
// ranges and calls at the wrong time are refused. What real hardware, a real kernel or Firecracker's seccomp filters
// would refuse, it cannot know.
package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

const version = "v1.8.0"

func main() {
	run, name := firecracker, "Firecracker"
	if strings.Contains(filepath.Base(os.Args[0]), "jailer") {
		run, name = jailer, "Jailer"
	}
	if slices.Contains(os.Args[1:], "--version") {
		fmt.Printf("%s %s\n", name, version)
		return
	}
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintf(os.Stderr, "%s %s: %v\n", name, version, err)
		var b badArguments
		if errors.As(err, &b) {
			os.Exit(153)
		}
		os.Exit(1)
	}
}

type badArguments string

func (b badArguments) Error() string { return "Arguments parsing error: " + string(b) }

// parse reads "--name value" pairs up to "--"; known says which there are and whether they may come again.
func parse(args []string, known map[string]bool) (values map[string][]string, rest []string, err error) {
	values = map[string][]string{}
	for len(args) > 0 {
		if args[0] == "--" {
			return values, args[1:], nil
		}
		name, ok := strings.CutPrefix(args[0], "--")
		again, isKnown := known[name]
		if !ok || !isKnown {
			return nil, nil, badArguments(fmt.Sprintf("Found argument '%s' which wasn't expected, or isn't valid in this context.", args[0]))
		}
		if len(args) < 2 {
			return nil, nil, badArguments(fmt.Sprintf("The argument '%s' requires a value, but none was supplied.", name))
		}
		if len(values[name]) > 0 && !again {
			return nil, nil, badArguments(fmt.Sprintf("The argument '%s' was provided more than once.", name))
		}
		values[name] = append(values[name], args[1])
		args = args[2:]
	}
	return values, nil, nil
}
