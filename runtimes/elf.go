package runtimes

import (
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// linker finds the shared objects that ELF files need, the way the dynamic loader would: run paths, then the loader's
// cache, then its default directories. Source: ld.so(8). LD_LIBRARY_PATH and hardware-specific variants do not count.
type linker struct {
	c     *collector
	cache map[string][]string // loader cache: name to host paths, best first
	class elf.Class           // of the first file; all others must match
	arch  elf.Machine
	seen  map[string]bool
	fit   map[string]bool // answers of fits
}

const loaderCache = "/etc/ld.so.cache"

func newLinker(c *collector) *linker {
	data, _ := os.ReadFile(loaderCache) // hosts without one, like musl's, have default directories
	return &linker{c: c, cache: parseLoaderCache(data), seen: map[string]bool{}, fit: map[string]bool{}}
}

// errNoLibrary says that a needed shared object is not on this host.
var errNoLibrary = errors.New("shared object not found")

// add collects the ELF file at the host path p and everything it needs. Files that are not ELF, such as scripts, are
// collected alone. The error wraps errNoLibrary if something it needs is missing; what was found is collected then,
// which does no harm.
func (l *linker) add(p string) error { return l.addFrom(p, nil) }

// addFrom is add for an object needed by others, whose DT_RPATH directories count for it too.
func (l *linker) addFrom(p string, inherited []string) error {
	if err := l.c.host(p); err != nil {
		return err
	}
	real, err := filepath.EvalSymlinks(p)
	if err != nil {
		return err
	}
	if l.seen[real] {
		return nil
	}
	l.seen[real] = true
	if !isELF(real) {
		return nil
	}
	f, err := elf.Open(real)
	if err != nil {
		return fmt.Errorf("%s: %w", real, err)
	}
	defer f.Close()
	if l.class == elf.ELFCLASSNONE {
		l.class, l.arch = f.Class, f.Machine
	}
	for _, prog := range f.Progs {
		if prog.Type == elf.PT_INTERP && prog.Filesz < 4096 {
			name := make([]byte, prog.Filesz)
			if _, err := prog.ReadAt(name, 0); err != nil {
				return fmt.Errorf("%s: %w", real, err)
			}
			if err := l.addFrom(strings.TrimRight(string(name), "\x00"), nil); err != nil {
				return err
			}
		}
	}
	rpath, runpath := dynamicPaths(f, elf.DT_RPATH, real), dynamicPaths(f, elf.DT_RUNPATH, real)
	if runpath != nil {
		rpath, inherited = nil, nil // DT_RUNPATH switches DT_RPATH off
	}
	rpath = append(rpath, inherited...)
	needed, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("%s: %w", real, err)
	}
	var missing error
	for _, name := range needed {
		lib, err := l.find(name, rpath, runpath)
		if err != nil {
			missing = errors.Join(missing, fmt.Errorf("%s needs %s: %w", real, name, err))
			continue
		}
		if err := l.addFrom(lib, rpath); errors.Is(err, errNoLibrary) {
			missing = errors.Join(missing, err)
		} else if err != nil {
			return err
		}
	}
	return missing
}

// dynamicPaths reads a run path of f, a file at path, with $ORIGIN replaced.
func dynamicPaths(f *elf.File, tag elf.DynTag, path string) []string {
	values, err := f.DynString(tag)
	if err != nil {
		return nil
	}
	var out []string
	for _, v := range values {
		for dir := range strings.SplitSeq(v, ":") {
			dir = strings.NewReplacer("${ORIGIN}", filepath.Dir(path), "$ORIGIN", filepath.Dir(path)).Replace(dir)
			if filepath.IsAbs(dir) {
				out = append(out, dir)
			}
		}
	}
	return out
}

func (l *linker) find(name string, rpath, runpath []string) (string, error) {
	if strings.Contains(name, "/") {
		if l.fits(name) {
			return name, nil
		}
		return "", errNoLibrary
	}
	for _, dirs := range [][]string{rpath, runpath} {
		for _, dir := range dirs {
			if p := filepath.Join(dir, name); l.fits(p) {
				return p, nil
			}
		}
	}
	for _, p := range l.cache[name] {
		if l.fits(p) {
			if !l.isDefault(filepath.Dir(p)) { // found in the image only with the cache's help
				if err := l.c.optional(loaderCache); err != nil {
					return "", err
				}
			}
			return p, nil
		}
	}
	for _, dir := range l.defaultDirs() {
		if p := filepath.Join(dir, name); l.fits(p) {
			return p, nil
		}
	}
	return "", errNoLibrary
}

// named collects shared objects that programs load by name at run time, as far as this host has them.
func (l *linker) named(names ...string) error {
	for _, name := range names {
		p, err := l.find(name, nil, nil)
		if err != nil {
			continue
		}
		if err := l.add(p); err != nil && !errors.Is(err, errNoLibrary) && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// fits reports whether p is an ELF file for the same machine as the first one.
func (l *linker) fits(p string) bool {
	fit, known := l.fit[p]
	if known {
		return fit
	}
	if f, err := elf.Open(p); err == nil {
		fit = l.class == elf.ELFCLASSNONE || f.Class == l.class && f.Machine == l.arch
		f.Close()
	}
	l.fit[p] = fit
	return fit
}

// defaultDirs are the directories that loaders search at last: Debian's multiarch ones, then the usual.
func (l *linker) defaultDirs() []string {
	dirs := []string{"/lib64", "/usr/lib64", "/lib", "/usr/lib", "/usr/local/lib"}
	switch l.arch {
	case elf.EM_X86_64:
		dirs = append([]string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu"}, dirs...)
	case elf.EM_AARCH64:
		dirs = append([]string{"/lib/aarch64-linux-gnu", "/usr/lib/aarch64-linux-gnu"}, dirs...)
	}
	return dirs
}

// isDefault tells whether glibc finds libraries in dir without its cache.
func (l *linker) isDefault(dir string) bool {
	for _, d := range l.defaultDirs() {
		if d == dir && d != "/usr/local/lib" {
			return true
		}
	}
	return false
}

// parseLoaderCache reads glibc's /etc/ld.so.cache. Anything it does not understand gives fewer entries, never an
// error: the default directories remain. Source: glibc, sysdeps/generic/dl-cache.h, "new format".
func parseLoaderCache(data []byte) map[string][]string {
	const (
		format  = "glibc-ld.so.cache1.1"
		head    = 48
		entry   = 24
		maxPath = 4096
	)
	start := strings.Index(string(data), format) // an old-format part may come first
	if start < 0 || len(data)-start < head {
		return nil
	}
	data = data[start:]
	count := int(binary.NativeEndian.Uint32(data[20:]))
	count = min(count, (len(data)-head)/entry)
	str := func(offset uint32) string {
		if int64(offset) >= int64(len(data)) {
			return ""
		}
		tail := data[offset:min(len(data), int(offset)+maxPath)]
		s, _, _ := strings.Cut(string(tail), "\x00")
		return s
	}
	out := make(map[string][]string, count)
	for i := range count {
		e := data[head+i*entry:]
		if binary.NativeEndian.Uint64(e[16:]) != 0 {
			continue // a variant for some hardware
		}
		name, path := str(binary.NativeEndian.Uint32(e[4:])), str(binary.NativeEndian.Uint32(e[8:]))
		if name != "" && filepath.IsAbs(path) {
			out[name] = append(out[name], path)
		}
	}
	return out
}
