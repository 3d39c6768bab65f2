package jail

import (
	"bytes"
	"context"
	"crypto/sha256"
	"debug/elf"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// Root is the root directory of jailed programs: copies of one program, of the libraries it needs and of the files it
// reads. That they are copies makes the directory need no mounts, and an upgrade of the host's packages does not change a
// program of which more will be started.
type Root struct {
	dir     string
	program string
	sum     string
}

// File is a file that a Root gets besides the program.
type File struct {
	From string // path on the host
	To   string // absolute path inside; empty means the same
}

// NewRoot makes a root for program in a new directory below parent, which must be on a file system from which programs
// may be executed. Libraries that the program and the files need are added by asking the host's dynamic loader; a static
// program needs none.
func NewRoot(ctx context.Context, parent string, program File, files ...File) (*Root, error) {
	if err := os.MkdirAll(parent, 0o700); err != nil {
		return nil, fmt.Errorf("make jail's root: %w", err)
	}
	dir, err := os.MkdirTemp(parent, "root-")
	if err != nil {
		return nil, fmt.Errorf("make jail's root: %w", err)
	}
	r := &Root{dir: dir, program: program.inside()}
	if err := r.fill(ctx, program, files); err != nil {
		_ = os.RemoveAll(dir)
		return nil, fmt.Errorf("make jail's root: %w", err)
	}
	return r, nil
}

// inside is the path a file has in the root.
func (f File) inside() string {
	if f.To == "" {
		return f.From
	}
	return f.To
}

func (r *Root) fill(ctx context.Context, program File, files []File) error {
	for _, d := range []string{"dev", "proc"} {
		if err := os.Mkdir(filepath.Join(r.dir, d), 0o755); err != nil { //nolint:gosec // the jailed user passes through
			return err
		}
	}
	all := append([]File{program}, files...)
	loader, err := loaderOf(program.From)
	if err != nil {
		return err
	}
	if loader != "" {
		all = append(all, File{From: loader})
		for _, f := range all {
			libs, err := libraries(ctx, loader, f.From)
			if err != nil {
				return err
			}
			all = append(all, libs...)
		}
	}
	h := sha256.New()
	done := map[string]bool{}
	for _, f := range all {
		if done[f.inside()] {
			continue
		}
		done[f.inside()] = true
		fmt.Fprintf(h, "%s\n", f.inside())
		if err := r.copy(f, h); err != nil {
			return err
		}
	}
	r.sum = hex.EncodeToString(h.Sum(nil))
	return os.Chmod(r.dir, 0o755) //nolint:gosec // as above
}

// copy copies one file and adds it to the sum.
func (r *Root) copy(f File, sum io.Writer) error {
	in, err := os.Open(f.From)
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	to := filepath.Join(r.dir, filepath.Clean("/"+f.inside()))
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil { //nolint:gosec // the jailed user passes through
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o755) //nolint:gosec // and executes
	if err != nil {
		return err
	}
	n, err := io.Copy(io.MultiWriter(out, sum), in)
	_, _ = fmt.Fprintf(sum, "\n%d\n", n)
	return errors.Join(err, out.Close())
}

// Program is the program's path inside.
func (r *Root) Program() string { return r.program }

// Sum is a hash of the paths and contents of all files.
func (r *Root) Sum() string { return r.sum }

// Remove removes the directory. Nothing runs in it any more.
func (r *Root) Remove() error { return os.RemoveAll(r.dir) }

// loaderOf returns the dynamic loader a program asks for, or "" if it is static.
func loaderOf(program string) (string, error) {
	f, err := elf.Open(program)
	if err != nil {
		return "", fmt.Errorf("%s: %w", program, err)
	}
	defer func() { _ = f.Close() }()
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP {
			b, err := io.ReadAll(io.LimitReader(p.Open(), 4096))
			return string(bytes.TrimRight(b, "\x00")), err
		}
	}
	return "", nil
}

// libraries returns the libraries that the dynamic loader would map for file; none if file is no ELF file.
func libraries(ctx context.Context, loader, file string) ([]File, error) {
	f, err := elf.Open(file)
	if err != nil {
		return nil, nil //nolint:nilerr // data
	}
	_ = f.Close()
	cmd := exec.CommandContext(ctx, loader, "--list", file) //nolint:gosec // programs of the operator's packages
	cmd.Env = []string{"LC_ALL=C"}
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("libraries of %s: %w", file, err)
	}
	var libs []File
	for line := range strings.Lines(string(out)) {
		name, rest, found := strings.Cut(strings.TrimSpace(line), " => ")
		if !found {
			continue // the loader itself, or the kernel's page
		}
		path, _, _ := strings.Cut(rest, " (")
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("%s needs %s, which is not installed", file, name)
		}
		libs = append(libs, File{From: path})
	}
	return libs, nil
}
