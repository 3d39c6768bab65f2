package runtimes

import (
	"bytes"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"

	"thaw.dev/thaw/image"
)

// leftOut are directories of the standard library that functions do not need: tests, IDLE, Tk, turtle, pip's wheels,
// files for building extensions, and everything installed beside the library.
var leftOut = map[string]bool{
	"test": true, "tests": true, "idlelib": true, "tkinter": true, "turtledemo": true, "ensurepip": true,
	"site-packages": true, "dist-packages": true, "__pycache__": true,
}

func wantOfLibrary(p string, d fs.DirEntry) bool {
	name := d.Name()
	if d.IsDir() {
		return !leftOut[name] && !strings.HasPrefix(name, "config-3.")
	}
	if name == "sitecustomize.py" { // what this host adds to its own interpreter
		return false
	}
	switch path.Ext(name) {
	case ".a", ".o", ".pyc", ".exe":
		return false
	case ".so":
		return !strings.HasPrefix(name, "_tkinter.") && !strings.HasPrefix(name, "_test") && !strings.HasPrefix(name, "_ctypes_test.") && !strings.HasPrefix(name, "xx")
	}
	return true
}

// pythonImage collects the image of a host Python, without bytecode, which compile adds.
func (c *Catalog) pythonImage(col *collector, l *linker, in interpreter) error {
	if err := l.add(in.path); err != nil {
		return err
	}
	for _, dir := range in.python.Library {
		real, err := col.follow(dir)
		if err != nil {
			return err
		}
		if col.seen[real] {
			continue // lib-dynload is usually below the library
		}
		if err := col.below(real, wantOfLibrary); err != nil {
			return err
		}
		if err := c.extensions(col, l, real); err != nil {
			return err
		}
	}
	if in.python.CAFile != "" {
		if err := col.caLink(path.Clean(in.python.CAFile)); err != nil {
			return err
		}
	}
	for _, name := range []string{in.runtime, "python3", "python"} {
		if err := col.link("/var/lang/bin/"+name, in.path); err != nil {
			return err
		}
	}
	return nil
}

// extensions collects what the library's extension modules need. One whose libraries this host lacks does not work on
// the host either, so it is no error.
func (c *Catalog) extensions(col *collector, l *linker, dir string) error {
	return col.tree.Walk(func(p string, e image.Entry) error {
		if !e.Mode.IsRegular() || path.Ext(p) != ".so" || !strings.HasPrefix(p, dir+"/") {
			return nil
		}
		err := l.add(p)
		if errors.Is(err, errNoLibrary) {
			c.log.Debug("python module without its libraries", "module", p, "error", err)
			return nil
		}
		return err
	})
}

// rehearsal has no bytecode: warming up includes compiling it.
const rehearsal = RuntimeDir + "/rehearsal"

// bytecode adds a bytecode file for every Python file in col's tree. Files that the host has compiled already are
// used; the others are compiled by in itself into the directory temp, which must live until the image is written.
// Every one is marked as not to be compared with its source (PEP 552).
func (c *Catalog) bytecode(ctx context.Context, t *image.Tree, in interpreter, temp string) error {
	magic, err := hex.DecodeString(in.python.Magic)
	if err != nil || len(magic) != 4 {
		return fmt.Errorf("bytecode magic %q of %s", in.python.Magic, in.path)
	}
	var jobs bytes.Buffer
	cached := map[string]image.Entry{} // path of the bytecode file
	compiled := map[string]string{}    // path of the bytecode file, to its file in temp
	err = t.Walk(func(p string, e image.Entry) error {
		if !e.Mode.IsRegular() || path.Ext(p) != ".py" || path.Dir(p) == rehearsal {
			return nil
		}
		name := path.Join(path.Dir(p), "__pycache__", strings.TrimSuffix(path.Base(p), "py")+in.python.Tag+".pyc")
		if entry, ok := hostBytecode(p, name, magic); ok {
			cached[name] = entry
			return nil
		}
		source := filepath.Join(temp, fmt.Sprintf("%d.py", len(compiled)))
		compiled[name] = source + "c"
		fmt.Fprintf(&jobs, "%s\x00%s\x00", source, p)
		return copyEntry(source, e)
	})
	if err != nil {
		return err
	}
	for name, entry := range cached {
		if err := t.Add(name, entry); err != nil {
			return err
		}
	}
	if len(compiled) == 0 {
		return nil
	}
	c.progress(in.runtime, fmt.Sprintf("compile %d files", len(compiled)))
	cmd := exec.CommandContext(ctx, in.path, "-I", "-S", "-c", compileScript)
	cmd.Env = []string{"LANG=C.UTF-8"}
	cmd.Stdin = &jobs
	if out, err := bound(cmd, cmd.CombinedOutput); err != nil {
		return fmt.Errorf("compile the library of %s: %w: %.500s", in.path, err, out)
	}
	for name, file := range compiled {
		if _, err := os.Stat(file); err != nil {
			continue // not valid Python: kept as data, like the templates of lib2to3
		}
		if err := t.AddHostFile(name, 0o644, file); err != nil {
			return err
		}
	}
	return nil
}

// compileScript compiles the pairs of file and name that it reads. What does not compile is left out.
const compileScript = `
import py_compile, sys, warnings
warnings.simplefilter("ignore")
parts = sys.stdin.buffer.read().decode("utf-8", "surrogateescape").split("\0")
for source, name in zip(parts[::2], parts[1::2]):
    try:
        py_compile.compile(source, source + "c", name, doraise=True,
                           invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except (py_compile.PyCompileError, ValueError):
        pass
`

func copyEntry(dst string, e image.Entry) error {
	if e.Open == nil {
		return os.WriteFile(dst, nil, 0o600)
	}
	r, err := e.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	data, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	return os.WriteFile(dst, data, 0o600)
}

// Layout of a bytecode file's header: magic, flags, then either time and size of the source (flags 0) or its hash.
// Source: PEP 552.
const (
	pycHeader    = 16
	pycUnchecked = 1
)

// hostBytecode returns the host's bytecode file name of the host's source file, marked unchecked, if it is valid.
func hostBytecode(source, name string, magic []byte) (image.Entry, bool) {
	src, err := os.Stat(source)
	if err != nil {
		return image.Entry{}, false // one of our own files
	}
	f, err := os.Open(name)
	if err != nil {
		return image.Entry{}, false
	}
	defer f.Close()
	info, err := f.Stat()
	head := make([]byte, pycHeader)
	if err != nil || info.Size() <= pycHeader {
		return image.Entry{}, false
	}
	if _, err := io.ReadFull(f, head); err != nil || !bytes.Equal(head[:4], magic) || binary.LittleEndian.Uint32(head[4:]) != 0 ||
		binary.LittleEndian.Uint32(head[8:]) != uint32(src.ModTime().Unix()) || binary.LittleEndian.Uint32(head[12:]) != uint32(src.Size()) {
		return image.Entry{}, false
	}
	binary.LittleEndian.PutUint32(head[4:], pycUnchecked)
	clear(head[8:]) // the hash, which nobody compares
	return image.Entry{Mode: 0o644, Size: info.Size(), Open: func() (io.ReadCloser, error) {
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		if _, err := f.Seek(pycHeader, io.SeekStart); err != nil {
			f.Close()
			return nil, err
		}
		return struct {
			io.Reader
			io.Closer
		}{io.MultiReader(bytes.NewReader(head), f), f}, nil
	}}, true
}
