package main

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/lambda"
)

// invoke runs a function and shows its result.
type invoke struct {
	name, event, payload, clientContext, qualifier string
	tail, stream                                   bool
}

func newInvoke(a *app) *cobra.Command {
	var i invoke
	cmd := &cobra.Command{
		Use:   "invoke NAME",
		Short: "Invoke a function and print its result",
		Long: "Invoke a function and wait for its result, which goes to stdout. Without an event the function gets {}.\n\n" +
			"If the function fails, its error object goes to stdout, a message to stderr, and the exit code is 2. With\n" +
			"--stream only what it had answered before goes to stdout.",
		Example: "  thaw invoke hello --payload '{\"name\":\"Ada\"}'\n" +
			"  thaw invoke hello --event event.json --tail\n" +
			"  jq .orders[0] shop.json | thaw invoke hello --event -",
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			i.name = args[0]
			if cmd.Flags().Changed("event") && cmd.Flags().Changed("payload") {
				return usage(cmd, "--event and --payload exclude each other")
			}
			if i.clientContext != "" && !json.Valid([]byte(i.clientContext)) {
				return usage(cmd, "--client-context is not JSON")
			}
			if i.stream && a.json {
				return usage(cmd, "--stream and --json exclude each other")
			}
			return i.run(cmd.Context(), a)
		},
	}
	a.connection.register(cmd.Flags())
	f := cmd.Flags()
	f.StringVar(&i.event, "event", "", "file with the event, - for stdin")
	f.StringVar(&i.payload, "payload", "", "the event itself, a JSON text")
	f.StringVar(&i.clientContext, "client-context", "", "JSON object that the function sees as its client context")
	f.StringVar(&i.qualifier, "qualifier", "", "version or alias of the function")
	f.BoolVar(&i.tail, "tail", false, "show the end of the invocation's log on stderr")
	f.BoolVar(&i.stream, "stream", false, "write the result as the function makes it, byte for byte")
	return cmd
}

func (i *invoke) run(ctx context.Context, a *app) error {
	event, err := i.readEvent(a.in)
	if err != nil {
		return err
	}
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	in := client.InvokeInput{
		Function: i.name, Qualifier: i.qualifier, Payload: event, ClientContext: []byte(i.clientContext), LogTail: i.tail,
	}
	if i.stream {
		return i.runStream(ctx, a, c, in)
	}
	out, err := c.Invoke(ctx, in)
	if err != nil {
		return err
	}
	if err := i.show(a, out); err != nil {
		return err
	}
	if out.FunctionError != "" {
		return &functionError{i.name, errorText(out)}
	}
	return nil
}

// runStream copies a streamed answer to stdout.
func (i *invoke) runStream(ctx context.Context, a *app, c *client.Client, in client.InvokeInput) error {
	s, err := c.InvokeStream(ctx, in)
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }() // what was to be read has been read
	if _, err := io.Copy(a.out, s); err != nil {
		return err
	}
	end := s.End()
	if len(end.LogTail) > 0 {
		fmt.Fprintf(a.err, "%s\n", bytes.TrimRight(end.LogTail, "\n"))
	}
	if end.ErrorCode == "" {
		return nil
	}
	return &functionError{i.name, errorText(client.InvokeOutput{FunctionError: end.ErrorCode, Payload: end.ErrorDetails})}
}

// readEvent returns the event, nil if none was given.
func (i *invoke) readEvent(in io.Reader) ([]byte, error) {
	if i.event == "" {
		return []byte(i.payload), nil
	}
	if i.event != "-" {
		f, err := os.Open(i.event)
		if err != nil {
			return nil, withHint(fmt.Errorf("event: %w", err), "--event takes a file; --payload takes the JSON text itself")
		}
		defer func() { _ = f.Close() }() // only read from
		in = f
	}
	b, err := io.ReadAll(io.LimitReader(in, lambda.MaxSyncPayloadBytes+1))
	if err == nil && len(b) > lambda.MaxSyncPayloadBytes {
		err = fmt.Errorf("larger than %s, the limit of an invocation", sizeText(lambda.MaxSyncPayloadBytes))
	}
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", i.event, err)
	}
	return b, nil
}

// invocation is the JSON document about an invocation.
type invocation struct {
	Function        string          `json:"function"`
	RequestID       string          `json:"request_id"`
	ExecutedVersion string          `json:"executed_version"`
	FunctionError   string          `json:"function_error,omitempty"`
	Payload         json.RawMessage `json:"payload"` // a custom runtime's text that is not JSON comes as a string
	LogTail         string          `json:"log_tail,omitempty"`
}

func (i *invoke) show(a *app, out client.InvokeOutput) error {
	if a.json {
		payload := json.RawMessage(out.Payload)
		if !json.Valid(payload) {
			text, err := json.Marshal(string(out.Payload))
			if err != nil {
				return err
			}
			payload = text
		}
		return writeJSON(a.out, invocation{i.name, out.RequestID, out.ExecutedVersion, out.FunctionError, payload, string(out.LogTail)})
	}
	if len(out.LogTail) > 0 {
		fmt.Fprintf(a.err, "%s\n", bytes.TrimRight(out.LogTail, "\n"))
	}
	if _, err := a.out.Write(out.Payload); err != nil {
		return err
	}
	if !bytes.HasSuffix(out.Payload, []byte("\n")) {
		_, err := fmt.Fprintln(a.out)
		return err
	}
	return nil
}

// errorText is what a failed function's error object says.
func errorText(out client.InvokeOutput) string {
	var object struct{ ErrorType, ErrorMessage string }
	_ = json.Unmarshal(out.Payload, &object) // a custom runtime may send anything
	switch {
	case object.ErrorType == "" && object.ErrorMessage == "":
		return cmp.Or(out.FunctionError, "failed")
	case object.ErrorType == "":
		return object.ErrorMessage
	}
	return object.ErrorType + ": " + object.ErrorMessage
}
