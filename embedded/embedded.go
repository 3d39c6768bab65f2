// Package embedded holds the helper programs that thaw carries inside itself: thaw-agent, which is PID 1 of every sandbox,
// thaw-sentry, which runs gVisor's processes, thaw-init, which is PID 1 of every virtual machine around its sandbox, and
// thaw-jail, which starts the machines' monitors. `make build` puts them into files/, compressed and each with
// its SHA-256 beside it, before it builds thaw. Without that step everything compiles, and Extract says what is missing.
package embedded

import (
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

//go:embed files
var files embed.FS

// ErrMissing is returned when thaw was built without its helper programs.
var ErrMissing = errors.New("this build has no embedded helper programs: run make build")

// Complete returns nil if this build has the helper programs, else ErrMissing.
func Complete() error {
	var p Paths
	for _, one := range p.programs() {
		if _, err := sum(files, one.name); err != nil {
			return err
		}
	}
	return nil
}

// Paths says where Extract put the programs.
type Paths struct {
	Agent  string
	Sentry string
	Init   string
	Jail   string
}

// program is a helper program's name and where its path goes.
type program struct {
	name string
	path *string
}

// programs are all there are.
func (p *Paths) programs() []program {
	return []program{{"thaw-agent", &p.Agent}, {"thaw-sentry", &p.Sentry}, {"thaw-init", &p.Init}, {"thaw-jail", &p.Jail}}
}

// Extract writes the programs into dir, which it creates, and returns their paths. A program's file name contains the
// hash of its content, and it appears under that name only when it is complete, so that several processes may extract
// into one directory, a running one keeps what it started with, and a file that is there is not read again: a daemon
// would hold tens of megabytes of pages that it never needs. It returns ErrMissing without embedded programs.
func Extract(dir string) (Paths, error) {
	return extract(files, dir)
}

func extract(from fs.FS, dir string) (p Paths, err error) {
	// 0711: gVisor's processes run as nobody and must be able to execute, not to list.
	if err := os.MkdirAll(dir, 0o711); err != nil {
		return Paths{}, fmt.Errorf("extract helper programs: %w", err)
	}
	for _, one := range p.programs() {
		if *one.path, err = place(from, one.name, dir); err != nil {
			return Paths{}, fmt.Errorf("extract helper programs: %w", err)
		}
	}
	return p, nil
}

// sum is the hexadecimal SHA-256 of a program, before compression.
func sum(from fs.FS, name string) (string, error) {
	b, err := fs.ReadFile(from, "files/"+name+".sha256")
	if errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("%s: %w", name, ErrMissing)
	}
	text := strings.TrimSpace(string(b))
	if err == nil && len(text) != hex.EncodedLen(sha256.Size) {
		err = fmt.Errorf("%s.sha256 holds no SHA-256", name)
	}
	return text, err
}

// place writes the program to dir/name-HASH unless it is there already, and returns that path.
func place(from fs.FS, name, dir string) (string, error) {
	want, err := sum(from, name)
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, name+"-"+want[:16])
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	tmp, err := os.CreateTemp(dir, "."+name+"-*")
	if err != nil {
		return "", err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already after the rename
	got, err := inflate(from, name, tmp)
	if err == nil && got != want {
		err = fmt.Errorf("%s is damaged: SHA-256 %s, want %s", name, got, want)
	}
	if err == nil {
		err = tmp.Chmod(0o755)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return "", err
	}
	return path, os.Rename(tmp.Name(), path)
}

// inflate writes the program to w and returns its SHA-256.
func inflate(from fs.FS, name string, w io.Writer) (string, error) {
	packed, err := from.Open("files/" + name + ".gz")
	if err != nil {
		return "", err
	}
	defer func() { _ = packed.Close() }() // only read
	r, err := gzip.NewReader(packed)
	if err != nil {
		return "", err
	}
	h := sha256.New()
	if _, err := io.Copy(io.MultiWriter(w, h), r); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
