package guest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// metaPackage is the package that depends on the newest kernel for clouds.
const metaPackage = "linux-image-cloud-amd64"

// download fetches the newest cloud kernel of the host's distribution into dir and returns its path. apt-get verifies what
// it downloads; nothing is installed.
func download(ctx context.Context, dir string) (string, error) {
	if _, err := exec.LookPath("apt-get"); err != nil {
		return "", errors.New("this host has no apt-get: name a Debian package of a kernel, or a kernel and its modules")
	}
	err := downloadNewest(ctx, dir)
	if err != nil && os.Geteuid() == 0 && ctx.Err() == nil { // the lists of packages may be missing, or old
		if err := run(ctx, dir, "apt-get", "update", "-qq"); err != nil {
			return "", err
		}
		err = downloadNewest(ctx, dir)
	}
	if err != nil {
		return "", err
	}
	list, err := filepath.Glob(filepath.Join(dir, "*.deb"))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("apt-get download left %d packages", len(list))
	}
	if err != nil {
		return "", err
	}
	return list[0], nil
}

func downloadNewest(ctx context.Context, dir string) error {
	name, err := newestKernel(ctx)
	if err != nil {
		return err
	}
	return run(ctx, dir, "apt-get", "download", "-qq", "-o", "APT::Sandbox::User=root", name)
}

// newestKernel is what the metapackage depends on, as apt-get names a package of one version.
func newestKernel(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, "apt-cache", "show", "--no-all-versions", metaPackage)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("the distribution has no %s: %w", metaPackage, err)
	}
	for line := range strings.Lines(string(out)) {
		list, ok := strings.CutPrefix(line, "Depends: ")
		if !ok {
			continue
		}
		for one := range strings.SplitSeq(list, ",") {
			name, version, _ := strings.Cut(strings.TrimSpace(one), " (= ")
			if !strings.HasPrefix(name, "linux-image-") {
				continue
			}
			if version = strings.TrimSuffix(version, ")"); version != "" {
				name += "=" + version
			}
			return name, nil
		}
	}
	return "", fmt.Errorf("package %s depends on no kernel", metaPackage)
}

func run(ctx context.Context, dir string, argv ...string) error {
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...) //nolint:gosec // our own commands
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C", "DEBIAN_FRONTEND=noninteractive")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s: %w: %s", strings.Join(argv, " "), err, strings.TrimSpace(said.String()))
	}
	return nil
}
