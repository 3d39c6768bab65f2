package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

// invoke runs a function and shows its result.
type invoke struct {
	name, event, data, clientContext, qualifier string
	tail                                        bool
}

func newInvoke(a *app) *cobra.Command {
	var i invoke
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Invoke a function and print its result",
		Long: "Invoke a function and wait for its result, which goes to stdout.\n\n" +
			"If the function fails, its error object goes to stdout, a message to stderr, and the exit code is 2.",
		Example: "  thaw invoke hello --data '{\"name\":\"Ada\"}'\n  thaw invoke hello --event event.json --tail\n  curl -s https://example.org/x.json | thaw invoke hello --event -",
		Args:    exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			i.name = args[0]
			if i.event != "" && cmd.Flags().Changed("data") {
				return usage(cmd, "--event and --data exclude each other")
			}
			return i.run(cmd.Context(), a)
		},
	}
	a.connection.register(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&i.event, "event", "", "file with the event, - for stdin")
	f.StringVarP(&i.data, "payload", "p", "", "")
	_ = f.MarkHidden("payload")
	f.StringVar(&i.clientContext, "client-context", "", "JSON object that the function sees as its client context")
	f.StringVar(&i.qualifier, "qualifier", "", "version or alias")
	f.BoolVar(&i.tail, "tail", false, "show the end of the invocation's log on stderr")
	return cmd
}

func (i *invoke) run(ctx context.Context, a *app) error {
	event, err := i.readEvent(a)
	if err != nil {
		return err
	}
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	out, err := c.Invoke(ctx, client.InvokeInput{
		Function: i.name, Qualifier: i.qualifier, Payload: event, ClientContext: []byte(i.clientContext), LogTail: i.tail,
	})
	if err != nil {
		return err
	}
	if err := i.show(a, out); err != nil {
		return err
	}
	if out.FunctionError != "" {
		return withFunctionHint(&functionError{errorText(i.name, out)}, i.name)
	}
	return nil
}
