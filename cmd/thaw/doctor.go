package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/node"
	"thaw.dev/thaw/sandbox"
)

// doctor says whether this host can run a server, and what to do if it cannot.
type doctor struct {
	data, engine string
}

func newDoctor(a *app) *cobra.Command {
	var d doctor
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check what a server needs of this host",
		Long: "Check what a server needs of this host, and say what to do about what is missing. Nothing is changed.\n\n" +
			"The marks: ✓ is as it must be, ! could be better, ✗ must be mended. With a ✗ the exit code is 1.",
		Args: cobra.NoArgs,
		PreRunE: func(cmd *cobra.Command, _ []string) error {
			return flagsFromEnvironment(cmd) // those of thaw serve
		},
		RunE: func(cmd *cobra.Command, _ []string) error {
			if d.engine != "gvisor" && d.engine != "fake" {
				return usage(cmd, "engine %q: this build has gvisor and fake", d.engine)
			}
			return d.run(cmd.Context(), a)
		},
	}
	registerData(cmd.Flags(), &d.data)
	cmd.Flags().StringVar(&d.engine, "engine", node.Default().Engine, "engine to check: gvisor or fake")
	return cmd
}

// diagnosis is doctor's JSON document.
type diagnosis struct {
	OK     bool            `json:"ok"` // nothing that must be is missing
	Engine string          `json:"engine"`
	Data   string          `json:"data"`
	Checks []sandbox.Check `json:"checks"`
}

func (d *doctor) run(ctx context.Context, a *app) error {
	result := diagnosis{OK: true, Engine: d.engine, Data: d.data, Checks: d.examine(ctx)}
	for _, c := range result.Checks {
		if c.Must && !c.OK {
			result.OK = false
		}
	}
	err := a.write(result, result.write)
	if err == nil && !result.OK {
		err = errReported
	}
	return err
}

func mark(c sandbox.Check) string {
	switch {
	case c.OK:
		return "✓"
	case c.Must:
		return "✗"
	}
	return "!"
}

// write shows the checks, each with its remedy below it.
func (r *diagnosis) write(w io.Writer) error {
	var rows [][]string
	for _, c := range r.Checks {
		rows = append(rows, []string{mark(c) + " " + c.Name, c.Detail})
		if !c.OK && c.Remedy != "" {
			rows = append(rows, []string{"", "→ " + c.Remedy})
		}
	}
	if err := writeTable(w, nil, rows); err != nil {
		return err
	}
	verdict := "This host can run Thaw."
	if !r.OK {
		var missing []string
		for _, c := range r.Checks {
			if c.Must && !c.OK {
				missing = append(missing, c.Name)
			}
		}
		verdict = "This host cannot run Thaw yet: " + strings.Join(missing, ", ") + "."
	}
	_, err := fmt.Fprintf(w, "\n%s\n", verdict)
	return err
}
