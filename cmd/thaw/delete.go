package main

import (
	"context"

	"github.com/spf13/cobra"
)

func newDelete(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "delete NAME",
		Short: "Delete a function",
		Args:  exactly("NAME"),
		RunE:  func(cmd *cobra.Command, args []string) error { return deleteFunction(cmd.Context(), a, args[0]) },
	}
	a.connection.register(cmd.Flags())
	return cmd
}

func deleteFunction(ctx context.Context, a *app, name string) error {
	c, err := a.connection.open()
	if err != nil {
		return err
	}
	defer c.Close()
	if err := c.DeleteFunction(ctx, name); err != nil {
		return err
	}
	return a.write(map[string]string{"deleted": name}, sentence("deleted %s", name))
}
