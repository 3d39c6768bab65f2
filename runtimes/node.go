package runtimes

import (
	"bufio"
	"bytes"
	"debug/elf"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nodeImage collects the image of a host Node.js: the program, its libraries, and the parts of its own library that
// some distributions keep outside of it. npm is left out.
func (c *Catalog) nodeImage(col *collector, l *linker, in interpreter) error {
	if err := l.add(in.path); err != nil {
		return err
	}
	parts := []string{in.path}
	for _, lib := range nodeLibraries(in.path) {
		if p, err := l.find(lib, nil, nil); err == nil {
			parts = append(parts, p)
		}
	}
	for _, part := range parts {
		files, err := externalModules(part)
		if err != nil {
			return err
		}
		for _, p := range files {
			if err := col.optional(p); err != nil {
				return err
			}
		}
	}
	return col.link("/var/lang/bin/node", in.path)
}

// nodeLibraries are the libraries a node program consists of, where it is not in one piece.
func nodeLibraries(program string) []string {
	f, err := elf.Open(program)
	if err != nil {
		return nil
	}
	defer f.Close()
	all, _ := f.ImportedLibraries() // l.add reported an unreadable one
	var out []string
	for _, name := range all {
		if strings.HasPrefix(name, "libnode.so") {
			out = append(out, name)
		}
	}
	return out
}

// modulePath matches the names of modules that a node built with --shared-builtin-…-path reads at its start.
var modulePath = regexp.MustCompile(`/usr/(?:local/)?(?:share/nodejs|lib/node_modules)/[A-Za-z0-9@_./-]{1,200}\.js`)

// externalModules finds such names in the program or library at path and returns those that exist.
func externalModules(path string) ([]string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const overlap = 512 // more than a name is long
	r := bufio.NewReaderSize(f, 1<<20)
	buf := make([]byte, 0, overlap+1<<20)
	found := map[string]bool{}
	for {
		n, err := io.ReadFull(r, buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if bytes.Contains(buf, []byte("/node")) {
			for _, m := range modulePath.FindAll(buf, -1) {
				found[filepath.Clean(string(m))] = true
			}
		}
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		buf = append(buf[:0], buf[len(buf)-overlap:]...)
	}
	var out []string
	for _, p := range sortedKeys(found) {
		if info, err := os.Stat(p); err == nil && info.Mode().IsRegular() {
			out = append(out, p)
		}
	}
	return out, nil
}
