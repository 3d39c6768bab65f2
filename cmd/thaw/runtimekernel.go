package main

import (
	"os/exec"
	"path/filepath"

	"github.com/spf13/cobra"

	"thaw.dev/thaw/node"
	"thaw.dev/thaw/sandbox/microvm/guest"
)

func newRuntimeKernel(a *app, dataDir *string) *cobra.Command {
	var from guest.Source
	var guestDir string
	cmd := &cobra.Command{
		Use:   "kernel",
		Short: "Install the kernel that virtual machines run, or another one",
		Long: "Install the kernel that virtual machines run, or another one. It is unpacked into the data directory, not into\n" +
			"this host. Without flags it is Debian's for clouds, downloaded and verified by apt-get. thaw serve does that\n" +
			"itself when the engine microvm finds none. A running server goes on with the kernel that it started with.",
		Example: "  thaw runtime kernel\n" +
			"  thaw runtime kernel --deb linux-image-6.1.0-44-cloud-amd64_6.1.164-1_amd64.deb\n" +
			"  thaw runtime kernel --kernel /boot/vmlinuz-6.12 --modules /lib/modules/6.12",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if (from.Kernel == "") != (from.Modules == "") || from.Package != "" && from.Kernel != "" {
				return usage(cmd, "say --deb alone, or --kernel and --modules, or nothing")
			}
			if _, err := exec.LookPath("apt-get"); err != nil && from == (guest.Source{}) {
				return usage(cmd, "this host has no apt-get to get a kernel with: name one with --deb, or with --kernel and --modules")
			}
			c := node.Default()
			c.DataDir, c.GuestDir = *dataDir, guestDir
			return installKernel(cmd, a, node.GuestDir(c), from)
		},
	}
	f := cmd.Flags()
	f.StringVar(&from.Package, "deb", "", "Debian package with a kernel and its modules")
	f.StringVar(&from.Kernel, "kernel", "", "kernel: a bzImage or an ELF file")
	f.StringVar(&from.Modules, "modules", "", "its directory lib/modules/RELEASE")
	f.StringVar(&guestDir, "guest-dir", "", "install it there instead, for servers with the same --guest-dir")
	return cmd
}

func installKernel(cmd *cobra.Command, a *app, dir string, from guest.Source) error {
	for _, path := range []*string{&from.Package, &from.Kernel, &from.Modules} {
		if *path == "" {
			continue
		}
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	if err := guest.Build(cmd.Context(), dir, from, func(step string) { a.progress("%s", step) }); err != nil {
		return withHint(err, "thaw runtime kernel --help shows where else a kernel can come from")
	}
	version, err := guest.Installed(dir)
	if err != nil {
		return err
	}
	return a.write(map[string]string{"kernel": version}, sentence("installed %s", version))
}
