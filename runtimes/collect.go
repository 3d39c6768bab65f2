package runtimes

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"thaw.dev/thaw/image"
)

// maxLinks bounds the symbolic links on the way to one file. Source: Linux, MAXSYMLINKS.
const maxLinks = 40

// collector gathers an image's tree from the host, and a digest of everything that went into it: the digest of two
// collections is equal if every path, mode, link target, host file size and time, and every byte given directly are.
type collector struct {
	tree *image.Tree
	sum  hash.Hash
	seen map[string]bool // host paths that were added
}

func newCollector() *collector {
	return &collector{tree: image.NewTree(), sum: sha256.New(), seen: map[string]bool{}}
}

// digest closes the collection.
func (c *collector) digest() string { return hex.EncodeToString(c.sum.Sum(nil)) }

func (c *collector) note(kind, p, detail string) {
	fmt.Fprintf(c.sum, "%s %q %q\n", kind, p, detail)
}

func (c *collector) dir(p string) error {
	c.note("dir", p, "")
	return c.tree.AddDir(p, 0o755)
}

func (c *collector) link(p, target string) error {
	c.note("link", p, target)
	return c.tree.AddSymlink(p, target)
}

func (c *collector) text(p, content string) error {
	c.note("text", p, content)
	return c.tree.AddBytes(p, 0o644, []byte(content))
}

// file adds one regular host file at p.
func (c *collector) file(p, host string, info fs.FileInfo) error {
	perm := info.Mode().Perm() | 0o444
	if perm&0o111 != 0 {
		perm |= 0o111
	}
	c.note("file", p, fmt.Sprintf("%s %o %d %d", host, perm, info.Size(), info.ModTime().UnixNano()))
	return c.tree.AddHostFile(p, perm, host)
}

// host adds the file or directory p of the host at its own path, together with the symbolic links on the way. A
// directory is added with all that is below it. Errors wrap fs.ErrNotExist if p is not there.
func (c *collector) host(p string) error {
	real, err := c.follow(p)
	if err != nil {
		return err
	}
	if c.seen[real] {
		return nil
	}
	c.seen[real] = true
	info, err := os.Lstat(real)
	if err != nil {
		return err
	}
	switch {
	case info.Mode().IsRegular():
		return c.file(real, real, info)
	case info.IsDir():
		return c.below(real, func(string, fs.DirEntry) bool { return true })
	}
	return nil // a device or socket: nothing an image can hold
}

// optional is host for what an image can do without.
func (c *collector) optional(p string) error {
	if err := c.host(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// below adds what is below the host directory dir and what want accepts; a directory it does not accept is not
// entered. Links are added with what they point to; dangling ones are left out.
func (c *collector) below(dir string, want func(p string, d fs.DirEntry) bool) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch {
		case p == dir:
			return c.dir(p)
		case !want(p, d) && d.IsDir():
			return fs.SkipDir
		case !want(p, d):
			return nil
		case d.IsDir():
			return c.dir(p)
		case d.Type()&fs.ModeSymlink != 0:
			if _, err := os.Stat(p); err != nil {
				return nil //nolint:nilerr // dangling
			}
			return c.host(p)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			c.seen[p] = true
			return c.file(p, p, info)
		}
		return nil
	})
}

// follow adds the symbolic links on the way to the host path p and returns the path without any.
func (c *collector) follow(p string) (string, error) {
	real, rest, links := "/", strings.Split(path.Clean(p), "/"), 0
	for len(rest) > 0 {
		name := rest[0]
		rest = rest[1:]
		switch name {
		case "", ".":
			continue
		case "..":
			real = path.Dir(real)
			continue
		}
		next := path.Join(real, name)
		info, err := os.Lstat(next)
		if err != nil {
			return "", err
		}
		if info.Mode()&fs.ModeSymlink == 0 {
			real = next
			continue
		}
		if links++; links > maxLinks {
			return "", fmt.Errorf("too many symbolic links on the way to %s", p)
		}
		target, err := os.Readlink(next)
		if err != nil {
			return "", err
		}
		if !c.seen[next] {
			c.seen[next] = true
			if err := c.link(next, target); err != nil {
				return "", err
			}
		}
		if path.IsAbs(target) {
			real = "/"
		}
		rest = append(strings.Split(target, "/"), rest...)
	}
	return real, nil
}
