package guest

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
)

// Bounds of what a kernel's package may hold.
const (
	maxDebFileBytes = 256 << 20
	maxDebFiles     = 50_000
)

// debian is what the name of a package says.
type debian struct {
	name, version string
}

// unpackDeb writes the kernel and its modules from the Debian package at path into dir, below boot and lib/modules, and
// returns what package it is. Nothing else of it is written, no link followed, nothing executed. Source: deb(5).
func unpackDeb(path, dir string) (d debian, err error) {
	f, err := os.Open(path)
	if err != nil {
		return d, err
	}
	defer func() { _ = f.Close() }() // only read
	r := bufio.NewReaderSize(f, 1<<20)
	if magic := make([]byte, 8); true {
		if _, err := io.ReadFull(r, magic); err != nil || string(magic) != "!<arch>\n" {
			return d, fmt.Errorf("%s is no Debian package", path)
		}
	}
	for {
		name, n, err := arMember(r)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return d, fmt.Errorf("%s: %w", path, err)
		}
		body := &io.LimitedReader{R: r, N: n}
		switch {
		case strings.HasPrefix(name, "control.tar"):
			d, err = readControl(body)
		case strings.HasPrefix(name, "data.tar"):
			err = unpackData(body, dir)
		}
		if err == nil {
			_, err = io.Copy(io.Discard, body)
		}
		if err == nil && n%2 == 1 {
			_, err = r.Discard(1)
		}
		if err != nil {
			return d, fmt.Errorf("%s: %s: %w", path, name, err)
		}
	}
	if d.name == "" {
		return d, fmt.Errorf("%s does not say what package it is", path)
	}
	return d, nil
}

// arMember reads the head of the next member of an ar archive.
func arMember(r io.Reader) (name string, size int64, err error) {
	var head [60]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return "", 0, err
	}
	size, err = strconv.ParseInt(strings.TrimSpace(string(head[48:58])), 10, 64)
	if err != nil || size < 0 || head[58] != '`' {
		return "", 0, errors.New("damaged archive")
	}
	return strings.TrimRight(string(head[:16]), " /"), size, nil
}

// tarOf reads a tar archive, compressed or not.
func tarOf(r io.Reader) (*tar.Reader, error) {
	magic := make([]byte, magicBytes)
	if _, err := io.ReadFull(r, magic); err != nil {
		return nil, err
	}
	plain, err := decompress(r, magic)
	if err != nil {
		return nil, err
	}
	return tar.NewReader(plain), nil
}

// readControl reads what package it is.
func readControl(r io.Reader) (d debian, err error) {
	t, err := tarOf(r)
	if err != nil {
		return d, err
	}
	for {
		h, err := t.Next()
		if err != nil {
			return d, err
		}
		if path.Clean(h.Name) != "control" {
			continue
		}
		lines := bufio.NewScanner(io.LimitReader(t, 1<<20))
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "Package":
				d.name = value
			case "Version":
				d.version = value
			}
		}
		return d, lines.Err()
	}
}

// unpackData writes the files that are wanted of a package.
func unpackData(r io.Reader, dir string) error {
	t, err := tarOf(r)
	if err != nil {
		return err
	}
	for range maxDebFiles {
		h, err := t.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		name := strings.TrimPrefix(path.Clean("/"+h.Name), "/usr")
		if h.Typeflag != tar.TypeReg || !strings.HasPrefix(name, "/boot/vmlinuz") && !strings.HasPrefix(name, "/lib/modules/") {
			continue
		}
		if h.Size > maxDebFileBytes {
			return fmt.Errorf("%s is impossibly large", name)
		}
		to := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
			return err
		}
		f, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.Copy(f, t)
		if cerr := f.Close(); err == nil {
			err = cerr
		}
		if err != nil {
			return err
		}
	}
	return errors.New("impossibly many files")
}
