package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/client"
)

// env prints the variables that make AWS tools use the server of a data directory.
type env struct {
	data, endpoint string
}

func newEnv(a *app) *cobra.Command {
	var e env
	cmd := &cobra.Command{
		Use:     "env",
		Short:   "Print the variables that make any AWS tool use this server",
		Example: "  eval \"$(thaw env)\"",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return e.run(cmd.Context(), a) },
	}
	registerData(cmd.Flags(), &e.data)
	cmd.Flags().StringVar(&e.endpoint, "endpoint", "", "base URL to print instead of the one the server announced")
	return cmd
}

func (e *env) run(_ context.Context, a *app) error {
	announced, err := readAnnouncement(e.data)
	if errors.Is(err, fs.ErrNotExist) {
		return withHint(&unreachableError{fmt.Errorf("no server runs with the data directory %s", e.data)},
			"start one with thaw serve, or name another directory with --data")
	} else if err != nil {
		return err
	}
	o, err := client.FromDataDir(e.data, announced.Endpoint)
	if err != nil {
		return withHint(err, "run this as the user who runs the server")
	}
	if e.endpoint != "" {
		o.Endpoint = e.endpoint
	}
	variables := [][2]string{
		{"AWS_ENDPOINT_URL", o.Endpoint},
		{"AWS_REGION", announced.Region},
		{"AWS_DEFAULT_REGION", announced.Region},
		{"AWS_ACCESS_KEY_ID", o.AccessKey},
		{"AWS_SECRET_ACCESS_KEY", o.SecretKey},
	}
	if a.json {
		object := map[string]string{}
		for _, v := range variables {
			object[v[0]] = v[1]
		}
		return writeJSON(a.out, object)
	}
	for _, v := range variables {
		fmt.Fprintf(a.out, "export %s=%s\n", v[0], shellQuote(v[1]))
	}
	// Left over from another account, these would win over the keys above or go with them.
	fmt.Fprintln(a.out, "unset AWS_SESSION_TOKEN AWS_PROFILE")
	return nil
}

// shellQuote writes s so that a POSIX shell reads it back as it is.
func shellQuote(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// shellWord is s as one word of a shell's command line, quoted if it must be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/._-+:@%", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return shellQuote(s)
}
