package main

import (
	"context"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

func newList(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "list",
		Short: "List the functions",
		Args:  cobra.NoArgs,
		RunE:  func(cmd *cobra.Command, _ []string) error { return list(cmd.Context(), a) },
	}
	a.connection.register(cmd.Flags())
	return cmd
}

func list(ctx context.Context, a *app) error {
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	all, err := c.ListFunctions(ctx)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		all = []client.FunctionConfiguration{} // an empty list, not null
		a.note("There are no functions yet: thaw deploy makes one.")
	}
	return a.write(map[string]any{"Functions": all}, func(w io.Writer) error { return writeFunctions(w, all) })
}

// writeFunctions writes a table of functions, nothing if there are none. The state is a column where it is known: as on
// Lambda, ListFunctions does not tell it.
func writeFunctions(w io.Writer, all []client.FunctionConfiguration) error {
	if len(all) == 0 {
		return nil
	}
	header := []string{"NAME", "RUNTIME", "HANDLER", "MEMORY", "TIMEOUT", "CODE", "MODIFIED"}
	withState := slices.ContainsFunc(all, func(f client.FunctionConfiguration) bool { return f.State != "" })
	if withState {
		header = append(header, "STATE")
	}
	var rows [][]string
	for _, f := range all {
		row := []string{
			f.FunctionName, f.Runtime, f.Handler, fmt.Sprintf("%d MB", f.MemorySize), fmt.Sprintf("%d s", f.Timeout),
			sizeText(f.CodeSize), modifiedText(f.LastModified),
		}
		if withState {
			row = append(row, stateText(f))
		}
		rows = append(rows, row)
	}
	return writeTable(w, header, rows)
}

// stateText says whether a function can be invoked, and why not.
func stateText(f client.FunctionConfiguration) string {
	switch {
	case f.State == string(lambda.StateFailed):
		return f.State + " (" + f.StateReasonCode + ")"
	case f.LastUpdateStatus == string(lambda.UpdateFailed):
		return f.State + ", update failed (" + f.LastUpdateReasonCode + ")"
	case f.LastUpdateStatus == string(lambda.UpdateInProgress):
		return f.State + ", updating"
	}
	return f.State
}

func modifiedText(stamp string) string {
	t, err := time.Parse("2006-01-02T15:04:05.000-0700", stamp)
	if err != nil {
		return stamp
	}
	return t.Local().Format(time.DateTime)
}
