package image

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strings"
	"time"
)

// DefaultTime is the modification time of entries that give none. It is late enough for formats that cannot store
// times before 1980 (zip), which functions make from files of the image.
var DefaultTime = time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)

// Bounds of names. Source: Linux, NAME_MAX and PATH_MAX.
const (
	MaxNameBytes = 255
	MaxPathBytes = 4095
)

// ErrConflict is returned by Tree.Add when an entry cannot be where it is asked to be: a parent is not a directory, or
// a directory and something else share the path.
var ErrConflict = errors.New("conflicts with another entry")

// ErrName is returned by Tree.Add for paths that are not absolute and clean, or too long.
var ErrName = errors.New("not a valid path")

// Entry is one file, directory or symbolic link of a Tree. The zero UID and GID are root, as in every runtime image.
type Entry struct {
	// Mode holds the type (regular, fs.ModeDir or fs.ModeSymlink) and the permission bits. Setuid, setgid and sticky
	// bits are dropped.
	Mode fs.FileMode
	UID  uint32
	GID  uint32
	// ModTime is DefaultTime if zero.
	ModTime time.Time
	// Size is the exact number of bytes Open gives. Regular files only.
	Size int64
	// Open returns the content of a regular file; it may be nil if Size is 0. It is called once per Write.
	Open func() (io.ReadCloser, error)
	// Target is where a symbolic link points, 1 to MaxPathBytes bytes.
	Target string
}

// Tree is the description of an image. It starts as an empty root directory of mode 0755. It is not safe for
// concurrent use.
type Tree struct {
	root  *node
	count int
	bytes int64
}

type node struct {
	Entry
	name     string
	children map[string]*node // directories only
}

// NewTree returns a tree that holds only the root directory.
func NewTree() *Tree {
	return &Tree{root: &node{Entry: Entry{Mode: fs.ModeDir | 0o755}, children: map[string]*node{}}, count: 1}
}

// Add puts e at p, an absolute path without "." or ".." elements; "/" is the root directory. Missing parents become
// directories of mode 0755. A file or link replaces a file or link of the same path; a directory over a directory
// replaces its metadata. Errors wrap ErrName and ErrConflict.
func (t *Tree) Add(p string, e Entry) error {
	if err := checkPath(p); err != nil {
		return err
	}
	switch e.Mode.Type() {
	case 0:
		if e.Size < 0 || e.Size > 0 && e.Open == nil {
			return fmt.Errorf("add %q: file without content", p)
		}
	case fs.ModeDir:
	case fs.ModeSymlink:
		if e.Target == "" || len(e.Target) > MaxPathBytes || strings.IndexByte(e.Target, 0) >= 0 {
			return fmt.Errorf("add %q: link target %.40q: %w", p, e.Target, ErrName)
		}
		e.Mode = fs.ModeSymlink | 0o777
	default:
		return fmt.Errorf("add %q: an image cannot hold a %v", p, e.Mode.Type())
	}
	e.Mode = e.Mode.Type() | e.Mode.Perm()
	if p == "/" {
		if !e.Mode.IsDir() {
			return fmt.Errorf("add %q: %w", p, ErrConflict)
		}
		t.root.Entry = e
		return nil
	}
	dir, err := t.parent(p)
	if err != nil {
		return err
	}
	name := path.Base(p)
	old := dir.children[name]
	switch {
	case old == nil:
		t.insert(dir, name, e)
	case old.Mode.IsDir() != e.Mode.IsDir():
		return fmt.Errorf("add %q: %w", p, ErrConflict)
	default:
		t.bytes += fileSize(e) - fileSize(old.Entry)
		old.Entry = e
	}
	return nil
}

// AddBytes adds a regular file that holds data.
func (t *Tree) AddBytes(p string, perm fs.FileMode, data []byte) error {
	return t.Add(p, Entry{Mode: perm.Perm(), Size: int64(len(data)), Open: func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(data)), nil
	}})
}

// AddDir adds a directory.
func (t *Tree) AddDir(p string, perm fs.FileMode) error {
	return t.Add(p, Entry{Mode: fs.ModeDir | perm.Perm()})
}

// AddSymlink adds a symbolic link.
func (t *Tree) AddSymlink(p, target string) error {
	return t.Add(p, Entry{Mode: fs.ModeSymlink, Target: target})
}

// AddHostFile adds the regular file host of this machine, as it is now: Write fails if its size has changed by then.
func (t *Tree) AddHostFile(p string, perm fs.FileMode, host string) error {
	info, err := os.Stat(host)
	if err != nil {
		return fmt.Errorf("add %q: %w", p, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("add %q: %s is not a regular file", p, host)
	}
	return t.Add(p, Entry{Mode: perm.Perm(), Size: info.Size(), Open: func() (io.ReadCloser, error) {
		return os.Open(host)
	}})
}

// Lookup returns the entry at p, without following symbolic links.
func (t *Tree) Lookup(p string) (Entry, bool) {
	if checkPath(p) != nil {
		return Entry{}, false
	}
	n := t.root
	for _, name := range elements(p) {
		if n = n.children[name]; n == nil {
			return Entry{}, false
		}
	}
	return n.Entry, true
}

// Len is the number of entries, the root included.
func (t *Tree) Len() int { return t.count }

// FileBytes is the sum of the sizes of all regular files.
func (t *Tree) FileBytes() int64 { return t.bytes }

// Walk calls fn for every entry, parents first and the children of a directory in byte order of their names. It stops
// at fn's first error and returns it.
func (t *Tree) Walk(fn func(p string, e Entry) error) error {
	return walk(t.root, "/", func(p string, n *node) error { return fn(p, n.Entry) })
}

func walk(n *node, p string, fn func(string, *node) error) error {
	if err := fn(p, n); err != nil {
		return err
	}
	for _, c := range n.sorted() {
		if err := walk(c, path.Join(p, c.name), fn); err != nil {
			return err
		}
	}
	return nil
}

// sorted returns the children in byte order, which is how EROFS directories must be.
func (n *node) sorted() []*node {
	out := make([]*node, 0, len(n.children))
	for _, name := range slices.Sorted(maps.Keys(n.children)) {
		out = append(out, n.children[name])
	}
	return out
}

func (t *Tree) parent(p string) (*node, error) {
	dir := t.root
	names := elements(p)
	for _, name := range names[:len(names)-1] {
		next := dir.children[name]
		if next == nil {
			next = t.insert(dir, name, Entry{Mode: fs.ModeDir | 0o755})
		}
		if !next.Mode.IsDir() {
			return nil, fmt.Errorf("add %q: %q is not a directory: %w", p, name, ErrConflict)
		}
		dir = next
	}
	return dir, nil
}

func (t *Tree) insert(dir *node, name string, e Entry) *node {
	n := &node{Entry: e, name: name}
	if e.Mode.IsDir() {
		n.children = map[string]*node{}
	}
	dir.children[name] = n
	t.count++
	t.bytes += fileSize(e)
	return n
}

func fileSize(e Entry) int64 {
	if e.Mode.IsRegular() {
		return e.Size
	}
	return 0
}

func elements(p string) []string {
	if p == "/" {
		return nil
	}
	return strings.Split(p[1:], "/")
}

func checkPath(p string) error {
	if !strings.HasPrefix(p, "/") || path.Clean(p) != p || len(p) > MaxPathBytes || strings.IndexByte(p, 0) >= 0 {
		return fmt.Errorf("path %.80q: %w", p, ErrName)
	}
	for _, name := range elements(p) {
		if len(name) > MaxNameBytes {
			return fmt.Errorf("path %.80q: name of %d bytes: %w", p, len(name), ErrName)
		}
	}
	return nil
}
