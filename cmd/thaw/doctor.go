package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"thaw.dev/thaw/node"
	"thaw.dev/thaw/sandbox"
)

// doctor says whether this host can run a server, and what to do if it cannot.
type doctor struct {
	config node.Config // as far as it matters here
}

func newDoctor(a *app) *cobra.Command {
	d := doctor{node.Default()}
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
			return d.run(cmd, a)
		},
	}
	registerData(cmd.Flags(), &d.config.DataDir)
	registerEngines(cmd.Flags(), &d.config)
	return cmd
}

// registerEngines adds the flags that say which engines a server has.
func registerEngines(f *pflag.FlagSet, c *node.Config) {
	f.StringVar(&c.Engine, "engine", c.Engine, "what isolates functions: gvisor, microvm, or fake, which runs no user code")
	f.StringSliceVar(&c.EngineFor, "engine-for", nil,
		"another engine for functions whose ARN matches, as PATTERN=ENGINE such as 'arn:aws:lambda:*:222222222222:function:*=microvm'; may be repeated, the first that matches holds")
	f.StringVar(&c.GuestDir, "guest-dir", "", "directory with the kernel of virtual machines, which servers may share; empty is guest in the data directory")
	f.StringVar(&c.VMM, "vmm", c.VMM, "monitor of the engine microvm: qemu, firecracker, or auto, which is firecracker where it is installed and KVM works")
}

// diagnosis is doctor's JSON document.
type diagnosis struct {
	OK     bool            `json:"ok"`     // nothing that must be is missing
	Engine string          `json:"engine"` // the one of functions that have no other
	Data   string          `json:"data"`
	Checks []sandbox.Check `json:"checks"`
}

func (d *doctor) run(cmd *cobra.Command, a *app) error {
	checks, err := d.examine(cmd.Context())
	if err != nil {
		return usage(cmd, "%w", err)
	}
	result := diagnosis{OK: true, Engine: d.config.Engine, Data: d.config.DataDir, Checks: checks}
	for _, c := range result.Checks {
		if c.Must && !c.OK {
			result.OK = false
		}
	}
	err = a.write(result, result.write)
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
