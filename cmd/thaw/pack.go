package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"time"

	"thaw.dev/thaw/lambda"
)

// archive is a deployment package ready for upload.
type archive struct {
	zip   []byte
	names map[string]bool // slash-separated names of the files in it
}

// zipEpoch is the time of every file in a packed archive, the earliest a zip can say. With it, equal directories give
// equal archives, and the server recognises code it has already.
var zipEpoch = time.Date(1980, 1, 1, 0, 0, 0, 0, time.UTC)

// pack makes the archive of a directory, or reads a zip file.
func pack(path string) (*archive, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	var a *archive
	if info.IsDir() {
		a, err = packDir(path)
	} else {
		a, err = readZip(path, info.Size())
	}
	if err == nil && len(a.zip) > lambda.MaxZipBytes {
		err = tooLarge(path, int64(len(a.zip)))
	}
	if err == nil && len(a.names) == 0 {
		err = fmt.Errorf("there is no file in %s", path)
	}
	return a, err
}

func tooLarge(path string, bytes int64) error {
	return withHint(fmt.Errorf("%s makes a deployment package of %s, and the limit is %s", path, sizeText(bytes), sizeText(lambda.MaxZipBytes)),
		"leave out what the function does not need")
}

func readZip(path string, size int64) (*archive, error) {
	if size > lambda.MaxZipBytes {
		return nil, tooLarge(path, size)
	}
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	r, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		return nil, withHint(fmt.Errorf("%s: %w", path, err), "give a directory or a zip file")
	}
	a := &archive{zip: b, names: map[string]bool{}}
	for _, f := range r.File {
		a.names[f.Name] = true
	}
	return a, nil
}

// packDir zips a directory: without .git, symbolic links as links, execute bits kept, names in order.
func packDir(dir string) (*archive, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { _ = root.Close() }() // only read from
	var buf bytes.Buffer
	p := packer{root: root, dir: dir, w: zip.NewWriter(&buf), names: map[string]bool{}}
	if err := fs.WalkDir(root.FS(), ".", p.add); err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	if err := p.w.Close(); err != nil {
		return nil, fmt.Errorf("pack %s: %w", dir, err)
	}
	return &archive{zip: buf.Bytes(), names: p.names}, nil
}

type packer struct {
	root  *os.Root
	dir   string
	w     *zip.Writer
	names map[string]bool
	bytes int64 // unpacked
}

func (p *packer) add(name string, d fs.DirEntry, err error) error {
	if err != nil {
		return err
	}
	if path.Base(name) == ".git" {
		if d.IsDir() {
			return fs.SkipDir
		}
		return nil // in a submodule or worktree it is a file
	}
	if d.IsDir() {
		return nil
	}
	h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: zipEpoch}
	switch d.Type() {
	case fs.ModeSymlink:
		h.SetMode(fs.ModeSymlink | 0o777)
		w, err := p.w.CreateHeader(h)
		if err != nil {
			return err
		}
		target, err := p.root.Readlink(name)
		if err != nil {
			return err
		}
		_, err = io.WriteString(w, filepath.ToSlash(target))
		return err
	case 0:
		p.names[name] = true
		return p.addFile(name, h)
	}
	return fmt.Errorf("%s is neither file, directory nor symbolic link", filepath.Join(p.dir, name))
}

func (p *packer) addFile(name string, h *zip.FileHeader) error {
	f, err := p.root.Open(name)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }() // only read from
	info, err := f.Stat()
	if err != nil {
		return err
	}
	h.SetMode(0o644)
	if info.Mode()&0o111 != 0 {
		h.SetMode(0o755)
	}
	w, err := p.w.CreateHeader(h)
	if err != nil {
		return err
	}
	n, err := io.Copy(w, io.LimitReader(f, lambda.MaxUnzippedBytes+1))
	if p.bytes += n; err == nil && p.bytes > lambda.MaxUnzippedBytes {
		err = errTooMuch
	}
	return err
}

var errTooMuch = withHint(fmt.Errorf("more than %s", sizeText(lambda.MaxUnzippedBytes)),
	"leave out what the function does not need; is it the right directory?")

// errNotExecutable is returned for a custom runtime that could not start.
var errNotExecutable = withHint(errors.New("bootstrap is not executable"), "chmod +x bootstrap")

// checkBootstrap refuses an archive for a custom runtime whose bootstrap could not start.
func (a *archive) checkBootstrap() error {
	r, err := zip.NewReader(bytes.NewReader(a.zip), int64(len(a.zip)))
	if err != nil {
		return err
	}
	for _, f := range r.File {
		if f.Name == "bootstrap" && f.Mode()&fs.ModeType == 0 && f.Mode()&0o111 == 0 {
			return errNotExecutable
		}
	}
	return nil
}
