package runtimes

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/lambda"
)

// recipe changes when the same host files and bootstrap shall give another image.
const recipe = "1"

// plan is an image that is described but not built.
type plan struct {
	name    string
	family  lambda.Family
	source  string
	version string
	key     string
	tree    *image.Tree
	python  *interpreter // whose library needs bytecode; nil if none
}

// builtRecord says which image a runtime has. It serves List and tells which image an update replaces.
type builtRecord struct {
	Name    string `json:"name"`
	Source  string `json:"source"`
	Version string `json:"version"`
	Key     string `json:"key"`
}

// Ensure returns the image of the runtime name, building it first if needed: seconds, reported to Options.Progress.
// Concurrent calls for one runtime share a build. Once a runtime is ensured, later calls take microseconds until Add
// or Remove change it. If this host has no such runtime, the error is a *lambda.Error of KindInvalid that says which
// command adds it.
func (c *Catalog) Ensure(ctx context.Context, name string) (Image, error) {
	if _, ok := lambda.RuntimeFamily(name); !ok {
		return Image{}, lambda.Errorf(lambda.KindInvalid, "The runtime %s is not supported. Runtimes are python3.N, nodejsN.x, provided.al2 and provided.al2023.", name)
	}
	record := stampOf(c.customPath(name))
	c.mu.Lock()
	r, ok := c.ready[name]
	c.mu.Unlock()
	if ok && r.record == record {
		if _, err := os.Stat(r.image.Path); err == nil {
			return r.image, nil
		}
	}
	p, err := c.describe(ctx, name)
	if err != nil {
		return Image{}, err
	}
	img, err := c.build(ctx, p)
	if err != nil {
		return Image{}, fmt.Errorf("build runtime %s: %w", name, err)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready[name] = ready{record, img}
	return img, nil
}

// describe plans the image of a runtime: from its record if it was added, else from this host.
func (c *Catalog) describe(ctx context.Context, name string) (*plan, error) {
	r, ok, err := c.customRecord(name)
	if err != nil {
		return nil, fmt.Errorf("runtime %s: %w", name, err)
	}
	switch {
	case ok && r.FromDir != "":
		return c.describeDir(ctx, name, r.FromDir)
	case ok && len(r.With) > 0:
		return c.describeWith(ctx, name, r.With)
	case ok:
		in, err := c.probe(ctx, r.Interpreter)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			return nil, &lambda.Error{Kind: lambda.KindInvalid, Err: err,
				Msg: fmt.Sprintf("The interpreter %s of the runtime %s does not answer. Add the runtime again: %s", r.Interpreter, name, addCommand(name))}
		}
		if in.runtime != name {
			return nil, lambda.Errorf(lambda.KindInvalid, "%s is now Python or Node.js %s, which is not %s. Add the runtime again: %s", r.Interpreter, in.version, name, addCommand(name))
		}
		p, err := c.describeHost(ctx, name, &in)
		if err == nil {
			p.source = r.Interpreter
		}
		return p, err
	}
	if family, _ := lambda.RuntimeFamily(name); family == lambda.FamilyProvided {
		return c.describeHost(ctx, name, nil)
	}
	in, ok := c.find(ctx, name)
	if !ok {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, missing(name)
	}
	return c.describeHost(ctx, name, &in)
}

// missing is the error for a runtime this host does not have.
func missing(name string) error {
	how := addCommand(name)
	if strings.HasPrefix(name, "python") {
		how += " (or: apt-get install " + name + ")"
	} else {
		how += " (or: apt-get install nodejs, if that is this version)"
	}
	return lambda.Errorf(lambda.KindInvalid, "The runtime %s is not installed on this host. Add it with: %s", name, how)
}

func addCommand(name string) string {
	program := name
	if strings.HasPrefix(name, "nodejs") {
		program = "node"
	}
	return "thaw runtime add " + name + " --interpreter /path/to/" + program
}

// describeHost plans an image of host files; in is nil for provided.
func (c *Catalog) describeHost(ctx context.Context, name string, in *interpreter) (*plan, error) {
	if in == nil {
		return c.describeWith(ctx, name, nil)
	}
	if err := checkPlace(in); err != nil {
		return nil, err
	}
	return c.collect(name, in.path, commonPrograms, func(p *plan, col *collector, l *linker) error {
		p.version = in.version
		var err error
		if in.python != nil {
			p.python = in
			err = c.pythonImage(col, l, *in)
		} else {
			err = c.nodeImage(col, l, *in)
		}
		if err != nil {
			return err
		}
		return c.platform(ctx, col, bootstrapFiles(p.family))
	})
}

// collect plans an image of the host's programs and of what more adds.
func (c *Catalog) collect(name, source string, programs []string, more func(*plan, *collector, *linker) error) (*plan, error) {
	family, _ := lambda.RuntimeFamily(name)
	p := &plan{name: name, family: family, source: source}
	col := newCollector()
	l := newLinker(col)
	err := c.hostBase(col, l, programs)
	if err == nil {
		err = more(p, col, l)
	}
	if err != nil {
		return nil, fmt.Errorf("collect runtime %s: %w", name, err)
	}
	return p.finish(col), nil
}

func (p *plan) finish(col *collector) *plan {
	p.tree = col.tree
	p.key = image.Key("runtime", recipe, p.name, p.version, col.digest())
	return p
}

// checkPlace refuses interpreters whose files a mount would hide.
func checkPlace(in *interpreter) error {
	paths := []string{in.path}
	if in.python != nil {
		paths = append(paths, in.python.Library...)
	}
	for _, p := range paths {
		for _, m := range shadowed {
			if strings.HasPrefix(p, m+"/") {
				return lambda.Errorf(lambda.KindInvalid, "The interpreter of %s is in %s, and %s belongs to the function inside a sandbox. Install it elsewhere, for example below /usr/local.", in.runtime, p, m)
			}
		}
	}
	return nil
}

// build makes p's image unless it is there, records it, and removes the image it replaces.
func (c *Catalog) build(ctx context.Context, p *plan) (Image, error) {
	start := time.Now()
	temp := ""
	var claimed *os.File // temp's lock
	defer func() {
		if temp != "" {
			_ = os.RemoveAll(temp) // Open removes what this cannot
			_ = claimed.Close()
		}
	}()
	path, err := c.images.Ensure(ctx, p.key, func(ctx context.Context) (*image.Tree, error) {
		if p.python != nil {
			var err error
			if temp, err = os.MkdirTemp(c.dir, tempPrefix+"*"); err != nil {
				return nil, err
			}
			if claimed, err = claim(temp); err != nil {
				return nil, err
			}
			if err := c.bytecode(ctx, p.tree, *p.python, temp); err != nil {
				return nil, err
			}
		}
		c.progress(p.name, fmt.Sprintf("write image of %d files, %d MB", p.tree.Len(), p.tree.FileBytes()>>20))
		return p.tree, nil
	})
	if err != nil {
		return Image{}, err
	}
	old, had := c.built(p.name)
	now := builtRecord{Name: p.name, Source: p.source, Version: p.version, Key: p.key}
	if !had || old != now {
		if err := writeJSON(c.builtPath(p.name), now); err != nil {
			return Image{}, err
		}
		c.log.Info("runtime image ready", "runtime", p.name, "source", p.source, "version", p.version, "dur_ms", time.Since(start).Milliseconds())
	}
	if had && old.Key != p.key {
		if err := c.images.Remove(old.Key); err != nil {
			return Image{}, err
		}
	}
	return Image{Name: p.name, Family: p.family, Path: path, Digest: p.key, Version: p.version}, nil
}

func (c *Catalog) builtDir() string             { return filepath.Join(c.dir, "built") }
func (c *Catalog) builtPath(name string) string { return filepath.Join(c.builtDir(), name+".json") }

// built returns the record of a runtime's image. An unreadable one counts as none: the image is ensured anew then.
func (c *Catalog) built(name string) (builtRecord, bool) {
	var r builtRecord
	data, err := os.ReadFile(c.builtPath(name))
	if err != nil || json.Unmarshal(data, &r) != nil || r.Name != name {
		return builtRecord{}, false
	}
	return r, true
}

// writeJSON replaces the file at path atomically and durably.
func writeJSON(path string, v any) error {
	data, err := json.MarshalIndent(v, "", "  ")
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), tempPrefix+"*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(f.Name()) }() // gone already after the rename
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return errors.Join(err, f.Close())
	}
	_, err = f.Write(append(data, '\n'))
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Rename(f.Name(), path); err != nil {
		return err
	}
	d, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

func sortedKeys[K cmp.Ordered, V any](m map[K]V) []K { return slices.Sorted(maps.Keys(m)) }
