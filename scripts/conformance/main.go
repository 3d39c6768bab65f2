// Command conformance writes docs/conformance.md: for every operation of the Lambda API whether Thaw implements it, which
// real clients the tests call it with, and if not, why. It reads the list of operations (api.Operations), the routes
// (gateway.Routes) and the sources of the tests below test. Run it from the root: go run ./scripts/conformance
package main

import (
	"fmt"
	"os"
)

const document = "docs/conformance.md"

func main() {
	text, err := generate(".")
	if err == nil {
		err = os.WriteFile(document, []byte(text), 0o644) //nolint:gosec // a document for everybody
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
