package runtimes

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/lambda"
)

// describeWith plans an image of a custom runtime that has programs of the host besides the usual ones. with are host
// paths: of a Python or Node.js, which brings its standard library; of any other program; or of a directory, such as a
// Java runtime's. All bring the shared objects they need.
func (c *Catalog) describeWith(ctx context.Context, name string, with []string) (*plan, error) {
	family, _ := lambda.RuntimeFamily(name)
	if family != lambda.FamilyProvided {
		return nil, lambda.Errorf(lambda.KindInvalid, "Programs can be added to custom runtimes only, and %s has its own.", name)
	}
	source := strings.Join(append([]string{"host"}, with...), ", ")
	return c.collect(name, source, slices.Concat(commonPrograms, providedPrograms), func(p *plan, col *collector, l *linker) error {
		for _, w := range with {
			if err := c.program(ctx, p, col, l, w); err != nil {
				return err
			}
		}
		return c.platform(ctx, col, nil)
	})
}

// program collects one program or directory of describeWith.
func (c *Catalog) program(ctx context.Context, p *plan, col *collector, l *linker, host string) error {
	for _, m := range shadowed {
		if strings.HasPrefix(host, m+"/") {
			return lambda.Errorf(lambda.KindInvalid, "%s cannot be added: %s belongs to the function inside a sandbox.", host, m)
		}
	}
	info, err := os.Stat(host)
	if err != nil {
		return &lambda.Error{Kind: lambda.KindInvalid, Msg: host + " is not there.", Err: err}
	}
	if info.IsDir() {
		return c.directory(col, l, host)
	}
	switch base := filepath.Base(host); {
	case strings.HasPrefix(base, "python"):
		in, err := c.probe(ctx, host)
		if err == nil && in.python != nil {
			if p.python != nil {
				return lambda.Errorf(lambda.KindInvalid, "Only one Python can be added.")
			}
			if err := checkPlace(&in); err != nil {
				return err
			}
			p.python = &in
			return c.pythonImage(col, l, in)
		}
	case nodeProgram.MatchString(base):
		in, err := c.probe(ctx, host)
		if err == nil {
			if err := checkPlace(&in); err != nil {
				return err
			}
			return c.nodeImage(col, l, in)
		}
	}
	return l.add(host)
}

// directory collects a directory of the host with what its programs and libraries need. A file whose libraries this host
// lacks does not work on the host either.
func (c *Catalog) directory(col *collector, l *linker, host string) error {
	real, err := col.follow(filepath.Clean(host))
	if err != nil {
		return err
	}
	if err := col.below(real, wantOfDirectory); err != nil {
		return err
	}
	return col.tree.Walk(func(p string, e image.Entry) error {
		if !e.Mode.IsRegular() || !strings.HasPrefix(p, real+"/") || !isELF(p) {
			return nil
		}
		if err := l.add(p); err != nil && !errors.Is(err, errNoLibrary) {
			return fmt.Errorf("%s: %w", p, err)
		}
		return nil
	})
}

// wantOfDirectory leaves out what no function runs: the parts that a Java development kit has for building.
func wantOfDirectory(p string, d fs.DirEntry) bool {
	switch path.Base(p) {
	case "jmods", "demo", "man", "src.zip":
		return false
	}
	return !d.IsDir() || d.Name() != "__pycache__"
}
