package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// app is what all commands share.
type app struct {
	*console
	json       bool
	connection connection
}

// execute runs one command line and returns the exit code.
func execute(ctx context.Context, args []string, c *console) int {
	a := &app{console: c}
	root := newRoot(a)
	root.SetArgs(args)
	root.SetIn(c.in)
	root.SetOut(c.out)
	root.SetErr(c.err)
	err := root.ExecuteContext(ctx)
	switch {
	case err == nil:
		return exitOK
	case errors.Is(err, errReported):
		return exitFailed
	}
	f := explain(ctx, err)
	a.reportError(f)
	return f.Code
}

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "thaw",
		Short: "Thaw is a self-hosted AWS Lambda: one program, real sandboxes, Lambda's own API",
		Long: "Thaw is a self-hosted AWS Lambda: one program, real sandboxes, Lambda's own API.\n" +
			"Start with thaw doctor and thaw serve; any AWS tool works after eval \"$(thaw env)\".\n\n" + strings.TrimSpace(exitHelp()),
		SilenceErrors:     true,
		SilenceUsage:      true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: true},
		Args:              cobra.ArbitraryArgs, // run refuses them itself
		RunE:              refuse("command"),
	}
	root.PersistentFlags().BoolVar(&a.json, "json", false, "write JSON for programs instead of text for people")
	root.AddCommand(
		newServe(a), newEnv(a),
		newDeploy(a), newInvoke(a), newLogs(a), newList(a), newDelete(a),
		newEvents(a), newRuntime(a), newAccount(a), newTop(a), newDoctor(a), newBench(a), newSim(a), newVersion(a),
	)
	checkUsage(root)
	return root
}

// refuse is the run function of a command that only holds others: it shows help, or says that there is no such command.
func refuse(kind string) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return cmd.Help()
		}
		text := fmt.Sprintf("unknown %s %q", kind, args[0])
		if near := cmd.SuggestionsFor(args[0]); len(near) > 0 {
			text += fmt.Sprintf(", did you mean %s?", strings.Join(near, " or "))
		}
		return &usageError{cmd.CommandPath(), errors.New(text)}
	}
}

// checkUsage makes cmd and the commands below it return a usageError for wrong flags and arguments.
func checkUsage(cmd *cobra.Command) {
	cmd.SetFlagErrorFunc(func(cmd *cobra.Command, err error) error {
		if errors.Is(err, pflag.ErrHelp) {
			return err
		}
		return &usageError{cmd.CommandPath(), err}
	})
	check := cmd.Args
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if err := check(cmd, args); err != nil {
			return &usageError{cmd.CommandPath(), err}
		}
		return nil
	}
	for _, sub := range cmd.Commands() {
		checkUsage(sub)
	}
}

// usage returns a usageError of cmd.
func usage(cmd *cobra.Command, format string, args ...any) error {
	return &usageError{cmd.CommandPath(), fmt.Errorf(format, args...)}
}

// exactly is cobra.ExactArgs with names: it says which argument is missing.
func exactly(names ...string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		switch {
		case len(args) < len(names):
			return fmt.Errorf("%s is missing", names[len(args)])
		case len(args) > len(names):
			return fmt.Errorf("%q is one argument too many", args[len(names)])
		}
		return nil
	}
}
