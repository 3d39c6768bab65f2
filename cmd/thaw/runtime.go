package main

import (
	"context"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/runtimes"
)

func newRuntime(a *app) *cobra.Command {
	var dataDir string
	cmd := &cobra.Command{
		Use:   "runtime",
		Short: "Show and change the language runtimes of this host",
		Long: "Show and change the language runtimes of this host. They belong to a data directory; a running server sees a\n" +
			"change at once.",
		Args: cobra.ArbitraryArgs, // refused by run
		RunE: refuse("runtime command"),
	}
	registerData(cmd.PersistentFlags(), &dataDir)
	cmd.AddCommand(newRuntimeList(a, &dataDir), newRuntimeAdd(a, &dataDir), newRuntimeRemove(a, &dataDir), newRuntimeKernel(a, &dataDir))
	return cmd
}

func newRuntimeList(a *app, dataDir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "List the runtimes functions can have",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := listRuntimes(cmd.Context(), *dataDir)
			if err != nil {
				return err
			}
			return a.write(map[string]any{"runtimes": all}, func(w io.Writer) error { return writeRuntimes(w, all) })
		},
	}
}

func newRuntimeAdd(a *app, dataDir *string) *cobra.Command {
	var from runtimes.AddOptions
	cmd := &cobra.Command{
		Use:   "add NAME",
		Short: "Add a runtime from an interpreter, a directory with a root file system, or with programs of this host",
		Example: "  thaw runtime add python3.13 --interpreter /usr/local/python3.13/bin/python3\n" +
			"  thaw runtime add provided.al2023 --from-dir /srv/al2023-root\n" +
			"  thaw runtime add provided.al2023 --with /usr/bin/python3 --with /usr/lib/jvm/java-21-openjdk-amd64",
		Args: exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			ways := 0
			for _, flag := range []string{"interpreter", "from-dir", "with"} {
				if cmd.Flags().Changed(flag) {
					ways++
				}
			}
			if ways != 1 {
				return usage(cmd, "say one of --interpreter, --from-dir and --with")
			}
			catalog, err := openCatalog(*dataDir, a.progressLogger())
			if err != nil {
				return err
			}
			added, err := catalog.Add(cmd.Context(), args[0], from)
			if err != nil {
				return withHint(err, "thaw runtime add --help shows how it is used")
			}
			return a.write(added, func(w io.Writer) error { return writeRuntimes(w, []runtimes.Runtime{added}) })
		},
	}
	cmd.Flags().StringVar(&from.Interpreter, "interpreter", "", "path of a Python or Node.js of this version")
	cmd.Flags().StringArrayVar(&from.With, "with", nil, "program or directory of this host that a custom runtime has, too; with its libraries; repeatable")
	cmd.Flags().StringVar(&from.FromDir, "from-dir", "", "directory that holds a complete root file system; it must stay")
	return cmd
}

func newRuntimeRemove(a *app, dataDir *string) *cobra.Command {
	return &cobra.Command{
		Use:   "remove NAME",
		Short: "Remove an added runtime, or the image of one that this host offers",
		Args:  exactly("NAME"),
		RunE: func(cmd *cobra.Command, args []string) error {
			catalog, err := openCatalog(*dataDir, nil)
			if err != nil {
				return err
			}
			if err := catalog.Remove(cmd.Context(), args[0]); err != nil {
				return withHint(err, "thaw runtime list shows what there is")
			}
			return a.write(map[string]string{"removed": args[0]}, sentence("removed %s", args[0]))
		},
	}
}

// openCatalog opens the catalogue of a data directory, which may have a running server. A nil logger discards.
func openCatalog(dataDir string, logger *slog.Logger) (*runtimes.Catalog, error) {
	c := node.Default()
	c.DataDir = dataDir
	if logger != nil {
		c.Logger = logger
	}
	helpers, err := embedded.Extract(filepath.Join(dataDir, "bin"))
	if err != nil {
		return nil, withHint(err, "run this as the user who runs the server, with a thaw built by make build")
	}
	catalog, err := node.OpenRuntimes(c, helpers.Agent)
	return catalog, withHint(err, "run this as the user who runs the server")
}

func listRuntimes(ctx context.Context, dataDir string) ([]runtimes.Runtime, error) {
	catalog, err := openCatalog(dataDir, nil)
	if err != nil {
		return nil, err
	}
	return catalog.List(ctx)
}

func writeRuntimes(w io.Writer, all []runtimes.Runtime) error {
	var rows [][]string
	for _, r := range all {
		size := "-"
		if r.Bytes > 0 {
			size = sizeText(r.Bytes)
		}
		rows = append(rows, []string{r.Name, r.Version, string(r.State), size, r.Source})
	}
	return writeTable(w, []string{"NAME", "VERSION", "STATE", "IMAGE", "FROM"}, rows)
}

// progressLogger shows what a library logs, if a person watches; else it is nil.
func (a *app) progressLogger() *slog.Logger {
	if a.json || !isTerminal(a.err) {
		return nil
	}
	return slog.New(slog.NewTextHandler(a.err, nil))
}
