package main

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"text/tabwriter"

	"golang.org/x/term"
)

// The rules of output, for every command:
//
//   - What was asked for goes to stdout, everything else to stderr: progress, guesses, log tails, errors.
//   - For people: a table or a sentence. With --json: one JSON document, its members only ever added to. A command
//     that goes on (thaw logs) writes one JSON document per line.
//   - Progress is shown only when stderr is a terminal, and never with --json.
//   - An error is one message and what to do next. With --json it is a document {"error":{…}}, also on stderr.
//   - No colours: the marks ✓ ✗ ! say the same everywhere.
//   - The exit code is one of the table in exit.go.

// console is where a command reads and writes.
type console struct {
	in       io.Reader
	out, err io.Writer
	// halt is closed when the user insists on stopping at once; nil never is.
	halt <-chan struct{}
}

// writeJSON writes one document, indented.
func writeJSON(w io.Writer, v any) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	e.SetEscapeHTML(false)
	return e.Encode(v)
}

// writeTable writes rows under a header, columns aligned; a nil header is left out.
func writeTable(w io.Writer, header []string, rows [][]string) error {
	tw := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	if header != nil {
		rows = append([][]string{header}, rows...)
	}
	for _, row := range rows {
		for i, cell := range row {
			if i > 0 {
				fmt.Fprint(tw, "\t")
			}
			fmt.Fprint(tw, cell)
		}
		fmt.Fprintln(tw)
	}
	return tw.Flush()
}

// write writes a result: v as JSON for programs, or what text writes for people.
func (a *app) write(v any, text func(io.Writer) error) error {
	if a.json {
		return writeJSON(a.out, v)
	}
	return text(a.out)
}

// sentence is a text for write.
func sentence(format string, args ...any) func(io.Writer) error {
	return func(w io.Writer) error {
		_, err := fmt.Fprintf(w, format+"\n", args...)
		return err
	}
}

// progress says on stderr what a command is doing, if a person watches.
func (a *app) progress(format string, args ...any) {
	if !a.json && isTerminal(a.err) {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

// note says on stderr what a person should know in any case.
func (a *app) note(format string, args ...any) {
	if !a.json {
		fmt.Fprintf(a.err, format+"\n", args...)
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// reportError writes what is to be told about an error.
func (a *app) reportError(f failure) {
	if a.json {
		_ = writeJSON(a.err, map[string]failure{"error": f}) // nobody is left to tell
		return
	}
	fmt.Fprintf(a.err, "thaw: %s\n", f.Message)
	if f.Hint != "" {
		fmt.Fprintf(a.err, "  → %s\n", f.Hint)
	}
}

// sizeText is a number of bytes for people.
func sizeText(bytes int64) string {
	switch {
	case bytes >= 10<<30:
		return fmt.Sprintf("%d GiB", bytes>>30)
	case bytes >= 10<<20:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 10<<10:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d B", bytes)
}
