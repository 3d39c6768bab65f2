package guest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Source is where a guest's kernel comes from. The zero value means: the cloud kernel of the host's Debian, by apt-get.
type Source struct {
	// Package is the path of a Debian package that contains a kernel and its modules.
	Package string
	// Kernel is the path of a kernel, a bzImage or an ELF file, and Modules its directory lib/modules/RELEASE.
	Kernel  string
	Modules string
}

// Build makes the guest's files in the directory dir, which it creates, and removes those it had. It calls progress, which
// may be nil, at the beginning of each step with a few words. What existed before stays if it fails.
func Build(ctx context.Context, dir string, src Source, progress func(step string)) error {
	if progress == nil {
		progress = func(string) {}
	}
	if err := build(ctx, dir, src, progress); err != nil {
		return fmt.Errorf("build guest's files: %w", err)
	}
	return nil
}

func build(ctx context.Context, dir string, src Source, progress func(step string)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, ".build-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.RemoveAll(work) }()
	rec := record{Package: src.Kernel, Version: filepath.Base(src.Modules)}
	switch {
	case src.Kernel != "" && src.Modules != "" && src.Package == "":
	case src.Kernel != "" || src.Modules != "":
		return errors.New("name either a package, or a kernel and its modules")
	default:
		if src.Package == "" {
			progress("download Debian's cloud kernel")
			if src.Package, err = download(ctx, work); err != nil {
				return err
			}
		}
		progress("unpack " + filepath.Base(src.Package))
		d, err := unpackDeb(src.Package, work)
		if err != nil {
			return err
		}
		rec.Package, rec.Version = d.name, d.version
		if src.Kernel, err = only(work, "boot/vmlinuz*"); err != nil {
			return err
		}
		if src.Modules, err = only(work, "lib/modules/*"); err != nil {
			return err
		}
	}
	progress("uncompress the kernel")
	packed, err := os.ReadFile(src.Kernel)
	if err != nil {
		return err
	}
	kernel, err := kernelELF(packed)
	if err != nil {
		return fmt.Errorf("%s: %w", src.Kernel, err)
	}
	progress("collect modules")
	list, err := modules(src.Modules)
	if err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	return install(dir, rec, kernel, modulesArchive(list))
}

// only is the one file of dir that matches pattern.
func only(dir, pattern string) (string, error) {
	list, err := filepath.Glob(filepath.Join(dir, pattern))
	if err == nil && len(list) != 1 {
		err = fmt.Errorf("the package has %d files %s, want one", len(list), pattern)
	}
	if err != nil {
		return "", err
	}
	return list[0], nil
}

// install puts the files into dir: first those with hashes in their names, then the record that makes them valid.
func install(dir string, rec record, kernel, modules []byte) error {
	rec.Kernel, rec.Modules = sum(kernel), sum(modules)
	if err := writeFile(filepath.Join(dir, kernelName(rec.Kernel)), kernel); err != nil {
		return err
	}
	if err := writeFile(filepath.Join(dir, modulesName(rec.Modules)), modules); err != nil {
		return err
	}
	b, err := json.MarshalIndent(rec, "", "  ")
	if err == nil {
		err = writeFile(filepath.Join(dir, recordName), append(b, '\n'))
	}
	if err != nil {
		return err
	}
	return sweep(dir, rec)
}

// sweep removes what does not belong to rec.
func sweep(dir string, rec record) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	keep := map[string]bool{recordName: true, kernelName(rec.Kernel): true, modulesName(rec.Modules): true}
	for _, e := range entries {
		name := e.Name()
		ours := strings.HasPrefix(name, "kernel-") || strings.HasPrefix(name, "modules-") || strings.HasPrefix(name, "initrd-")
		if ours && !keep[name] {
			if err := os.Remove(filepath.Join(dir, name)); err != nil {
				return err
			}
		}
	}
	return nil
}
