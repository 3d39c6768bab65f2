package main

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"time"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/account"
	"thaw.dev/thaw/ops"
)

// accounts is what the commands below thaw account share: they change a running server through its socket.
type accounts struct {
	*app
	data string
}

func newAccount(a *app) *cobra.Command {
	s := &accounts{app: a}
	cmd := &cobra.Command{
		Use:   "account",
		Short: "Show and change the accounts of a running server and their access keys",
		Long: "Show and change the accounts of a running server and their access keys. An account is a tenant: it sees nothing\n" +
			"of the others. The commands use the operator's socket in the server's data directory, so they must run as the\n" +
			"server's user. A change holds for the next request, without a restart.",
		Args: cobra.ArbitraryArgs, // refused by run
		RunE: refuse("account command"),
	}
	registerData(cmd.PersistentFlags(), &s.data)
	cmd.AddCommand(newAccountCreate(s), newAccountList(s), newAccountKeys(s),
		newAccountSwitch(s, "disable", "Refuse an account's keys and sessions and stop its functions, at once", true),
		newAccountSwitch(s, "enable", "Enable a disabled account again", false))
	return cmd
}

// with runs do with a client of the server.
func (s *accounts) with(do func(*ops.Client) error) error {
	c := ops.NewClient(s.data)
	defer c.Close()
	err := do(c)
	switch {
	case errors.Is(err, ops.ErrNoServer):
		return withHint(&unreachableError{err}, "accounts are changed in a running server: start it with thaw serve --data %s, or name another directory with --data",
			shellWord(s.data))
	case errors.Is(err, fs.ErrPermission):
		return withHint(err, "run this as the user who runs the server")
	case err != nil:
		return withHint(err, "thaw account list shows the accounts there are")
	}
	return nil
}

func newAccountCreate(s *accounts) *cobra.Command {
	var id, name string
	cmd := &cobra.Command{
		Use:   "create",
		Short: "Make an account with an access key, whose secret is shown this once",
		Example: "  thaw account create --name shop >> ~/.aws/credentials\n" +
			"  thaw account create --id 111111111111 --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(c *ops.Client) error {
				made, err := c.CreateAccount(cmd.Context(), id, name)
				if err != nil {
					return err
				}
				s.note("account %s; this secret is not shown again", made.ID)
				return s.write(made, profile(made.Account, made.Key))
			})
		},
	}
	cmd.Flags().StringVar(&id, "id", "", "12 digits; random unless given")
	cmd.Flags().StringVar(&name, "name", "", "a name for people")
	return cmd
}

// profile writes a key as a profile of a credentials file.
func profile(a account.Account, k account.Key) func(io.Writer) error {
	name := a.Name
	if name == "" {
		name = a.ID
	}
	return sentence("[%s]\naws_access_key_id = %s\naws_secret_access_key = %s\naws_account_id = %s", name, k.ID, k.Secret, k.Account)
}

func newAccountList(s *accounts) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the accounts",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return s.with(func(c *ops.Client) error {
				all, err := c.Accounts(cmd.Context())
				if err != nil {
					return err
				}
				return s.write(map[string]any{"accounts": all}, func(w io.Writer) error { return writeAccounts(w, all) })
			})
		},
	}
}

func writeAccounts(w io.Writer, all []account.Account) error {
	var rows [][]string
	for _, a := range all {
		state := "enabled"
		if a.Disabled {
			state = "disabled"
		}
		rows = append(rows, []string{a.ID, a.Name, state, dateText(a.Created, "credentials file")})
	}
	return writeTable(w, []string{"ACCOUNT", "NAME", "STATE", "CREATED"}, rows)
}

// dateText is a time for people, or what stands for none.
func dateText(t time.Time, none string) string {
	if t.IsZero() {
		return none
	}
	return t.Local().Format(time.DateTime)
}

// newAccountSwitch is thaw account disable or enable.
func newAccountSwitch(s *accounts, verb, short string, disable bool) *cobra.Command {
	return &cobra.Command{
		Use:   verb + " ACCOUNT",
		Short: short,
		Args:  exactly("ACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(c *ops.Client) error {
				if err := c.DisableAccount(cmd.Context(), args[0], disable); err != nil {
					return err
				}
				return s.write(map[string]string{verb + "d": args[0]}, sentence("%sd %s", verb, args[0]))
			})
		},
	}
}

func newAccountKeys(s *accounts) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "keys ACCOUNT",
		Short: "List an account's access keys, or change them",
		Args:  cobra.ArbitraryArgs, // a command below takes more than one
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := exactly("ACCOUNT")(cmd, args); err != nil {
				return usage(cmd, "%w", err)
			}
			return s.with(func(c *ops.Client) error {
				all, err := c.AccountKeys(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				return s.write(map[string]any{"keys": all}, func(w io.Writer) error { return writeKeys(w, all) })
			})
		},
	}
	change := func(verb, short, done string, do func(context.Context, *ops.Client, string, string) error) *cobra.Command {
		return &cobra.Command{
			Use:   verb + " ACCOUNT KEY",
			Short: short,
			Args:  exactly("ACCOUNT", "KEY"),
			RunE: func(cmd *cobra.Command, args []string) error {
				return s.with(func(c *ops.Client) error {
					if err := do(cmd.Context(), c, args[0], args[1]); err != nil {
						return err
					}
					return s.write(map[string]string{done: args[1]}, sentence("%s %s", done, args[1]))
				})
			},
		}
	}
	cmd.AddCommand(
		newAccountKeysCreate(s),
		change("activate", "Let a key be used again", "activated", func(ctx context.Context, c *ops.Client, id, key string) error {
			return c.ActivateKey(ctx, id, key, true)
		}),
		change("deactivate", "Refuse a key, at once", "deactivated", func(ctx context.Context, c *ops.Client, id, key string) error {
			return c.ActivateKey(ctx, id, key, false)
		}),
		change("delete", "Remove a key", "deleted", func(ctx context.Context, c *ops.Client, id, key string) error {
			return c.DeleteKey(ctx, id, key)
		}),
	)
	return cmd
}

func newAccountKeysCreate(s *accounts) *cobra.Command {
	return &cobra.Command{
		Use:   "create ACCOUNT",
		Short: "Make another access key, whose secret is shown this once",
		Args:  exactly("ACCOUNT"),
		RunE: func(cmd *cobra.Command, args []string) error {
			return s.with(func(c *ops.Client) error {
				k, err := c.CreateKey(cmd.Context(), args[0])
				if err != nil {
					return err
				}
				s.note("this secret is not shown again")
				return s.write(k, profile(account.Account{ID: k.Account}, k))
			})
		},
	}
}

func writeKeys(w io.Writer, all []account.Key) error {
	var rows [][]string
	for _, k := range all {
		state := "active"
		if !k.Active {
			state = "inactive"
		}
		rows = append(rows, []string{k.ID, state, dateText(k.Created, "credentials file")})
	}
	return writeTable(w, []string{"KEY", "STATE", "CREATED"}, rows)
}
