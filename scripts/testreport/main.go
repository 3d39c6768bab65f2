// Command testreport reads `go test -json` and prints a line for each package, the output of whatever failed, and a
// closing count. It fails when a test failed, when none ran, or when one was skipped: a skipped test proves nothing.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"strings"
)

type event struct {
	Action, Package, Test, Output string
	Elapsed                       float64
}

func main() {
	passed, failed, skipped := 0, 0, 0
	output := map[string]*strings.Builder{}
	var trouble []string
	in := bufio.NewScanner(os.Stdin)
	in.Buffer(nil, 16<<20)
	for in.Scan() {
		var e event
		if json.Unmarshal(in.Bytes(), &e) != nil {
			fmt.Println(in.Text()) // a build error, say
			continue
		}
		id := e.Package + " " + e.Test
		switch e.Action {
		case "output", "build-output":
			if output[id] == nil {
				output[id] = &strings.Builder{}
			}
			output[id].WriteString(e.Output)
		case "pass", "fail", "skip":
			switch {
			case e.Test == "" && e.Action == "skip": // a package without tests
			case e.Test == "":
				fmt.Printf("%-5s %6.1fs  %s\n", e.Action, e.Elapsed, e.Package)
				if e.Action == "fail" {
					trouble = append(trouble, id)
				}
			case e.Action == "pass":
				passed++
			case e.Action == "fail":
				failed++
				trouble = append(trouble, id)
			default:
				skipped++
				trouble = append(trouble, id)
			}
			if e.Action == "pass" {
				delete(output, id)
			}
		case "build-fail":
			failed++
			trouble = append(trouble, id)
		}
	}
	for _, id := range trouble {
		fmt.Printf("\n--- %s\n", id)
		if b := output[id]; b != nil {
			fmt.Print(b.String())
		}
	}
	fmt.Printf("\n%d passed, %d failed, %d skipped\n", passed, failed, skipped)
	if failed > 0 || skipped > 0 || passed == 0 || in.Err() != nil {
		os.Exit(1)
	}
}
