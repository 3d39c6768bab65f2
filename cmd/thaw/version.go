package main

import (
	"cmp"
	"fmt"
	"io"
	"runtime"
	"runtime/debug"

	"github.com/spf13/cobra"
)

// build is what a binary knows about itself.
type build struct {
	Version  string `json:"version"`            // "(devel)" unless built from a tag
	Commit   string `json:"commit,omitempty"`   // "" if built outside a repository
	Modified bool   `json:"modified,omitempty"` // with changes that are not in the commit
	Time     string `json:"time,omitempty"`     // of the commit, RFC 3339
	Go       string `json:"go"`
	Platform string `json:"platform"`
}

func readBuild() build {
	b := build{Version: "(devel)", Go: runtime.Version(), Platform: runtime.GOOS + "/" + runtime.GOARCH}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return b
	}
	b.Version = cmp.Or(info.Main.Version, b.Version)
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			b.Commit = s.Value
		case "vcs.modified":
			b.Modified = s.Value == "true"
		case "vcs.time":
			b.Time = s.Value
		}
	}
	return b
}

func newVersion(a *app) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Say which build this is",
		Args:  cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			b := readBuild()
			rows := [][]string{{"thaw", b.Version}}
			if b.Commit != "" {
				commit := b.Commit
				if b.Modified {
					commit += " with local changes"
				}
				rows = append(rows, []string{"commit", fmt.Sprintf("%s, %s", commit, b.Time)})
			}
			rows = append(rows, []string{"go", b.Go}, []string{"platform", b.Platform})
			return a.write(b, func(w io.Writer) error { return writeTable(w, nil, rows) })
		},
	}
}
