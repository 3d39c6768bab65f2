package runtimes

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"thaw.dev/thaw/lambda"
)

// AddOptions say where an added runtime comes from. Exactly one member is set.
type AddOptions struct {
	// Interpreter is the host path of a Python or Node.js of the version the runtime's name says.
	Interpreter string
	// FromDir is a host directory that holds a complete root file system. Python and Node.js runtimes need their
	// interpreter in it. The directory must stay: the image is made from it again when agent or bootstrap change.
	FromDir string
	// With are host paths of what a custom runtime has beyond the usual programs: programs, of which a Python or Node.js
	// brings its standard library, and directories, such as a Java runtime's.
	With []string
}

// customRecord is what Add writes.
type customRecord struct {
	Name        string   `json:"name"`
	Interpreter string   `json:"interpreter,omitempty"`
	FromDir     string   `json:"from_dir,omitempty"`
	With        []string `json:"with,omitempty"`
	Version     string   `json:"version,omitempty"`
}

// Add adds the runtime name, or replaces where it comes from, and builds its image. Mistakes in o are *lambda.Error of
// KindInvalid. The runtime is there after a restart.
func (c *Catalog) Add(ctx context.Context, name string, o AddOptions) (Runtime, error) {
	family, ok := lambda.RuntimeFamily(name)
	if !ok {
		return Runtime{}, lambda.Errorf(lambda.KindInvalid, "%q is not a name of a runtime. Names are python3.N, nodejsN.x, provided.al2 and provided.al2023.", name)
	}
	ways := 0
	for _, given := range []bool{o.Interpreter != "", o.FromDir != "", len(o.With) > 0} {
		if given {
			ways++
		}
	}
	if ways != 1 {
		return Runtime{}, lambda.Errorf(lambda.KindInvalid, "A runtime is added either from an interpreter, or from a directory, or with programs of the host.")
	}
	r := customRecord{Name: name}
	var p *plan
	var err error
	switch {
	case o.FromDir != "":
		if r.FromDir, err = filepath.Abs(o.FromDir); err != nil {
			return Runtime{}, fmt.Errorf("add runtime %s: %w", name, err)
		}
		p, err = c.describeDir(ctx, name, r.FromDir)
	case len(o.With) > 0:
		for _, w := range o.With {
			abs, err := filepath.Abs(w)
			if err != nil {
				return Runtime{}, fmt.Errorf("add runtime %s: %w", name, err)
			}
			r.With = append(r.With, abs)
		}
		p, err = c.describeWith(ctx, name, r.With)
	default:
		p, r.Interpreter, err = c.describeInterpreter(ctx, name, family, o.Interpreter)
	}
	if err != nil {
		return Runtime{}, err
	}
	r.Version = p.version
	img, err := c.build(ctx, p)
	if err != nil {
		return Runtime{}, fmt.Errorf("add runtime %s: %w", name, err)
	}
	if err := writeJSON(c.customPath(name), r); err != nil {
		return Runtime{}, fmt.Errorf("add runtime %s: %w", name, err)
	}
	info, err := os.Stat(img.Path)
	if err != nil {
		return Runtime{}, fmt.Errorf("add runtime %s: %w", name, err)
	}
	return Runtime{Name: name, Family: family, State: StateCustom, Source: p.source, Version: p.version, Digest: p.key, Bytes: info.Size()}, nil
}

func (c *Catalog) describeInterpreter(ctx context.Context, name string, family lambda.Family, program string) (*plan, string, error) {
	if family == lambda.FamilyProvided {
		return nil, "", lambda.Errorf(lambda.KindInvalid, "%s has no interpreter; add it from a directory or with programs.", name)
	}
	abs, err := filepath.Abs(program)
	if err != nil {
		return nil, "", fmt.Errorf("add runtime %s: %w", name, err)
	}
	in, err := c.probe(ctx, abs)
	if err != nil {
		return nil, "", &lambda.Error{Kind: lambda.KindInvalid, Msg: fmt.Sprintf("%s does not answer as an interpreter of %s", abs, name), Err: err}
	}
	if in.runtime != name {
		return nil, "", lambda.Errorf(lambda.KindInvalid, "%s is version %s, which is the runtime %s, not %s.", abs, in.version, in.runtime, name)
	}
	p, err := c.describeHost(ctx, name, &in)
	if err != nil {
		return nil, "", err
	}
	p.source = abs
	return p, abs, nil
}

// Remove forgets what Add recorded and removes the runtime's image. A runtime whose interpreter is on this host stays
// available and is built again by its next use. It is an error of KindNotFound if there is neither record nor image.
func (c *Catalog) Remove(_ context.Context, name string) error {
	if _, ok := lambda.RuntimeFamily(name); !ok {
		return lambda.Errorf(lambda.KindInvalid, "%q is not a name of a runtime.", name)
	}
	b, built := c.built(name)
	_, custom, err := c.customRecord(name)
	if err != nil {
		return fmt.Errorf("remove runtime %s: %w", name, err)
	}
	if !built && !custom {
		return lambda.Errorf(lambda.KindNotFound, "There is no added runtime and no image of the name %s.", name)
	}
	for _, p := range []string{c.customPath(name), c.builtPath(name)} {
		if err := os.Remove(p); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("remove runtime %s: %w", name, err)
		}
	}
	if built {
		if err := c.images.Remove(b.Key); err != nil {
			return fmt.Errorf("remove runtime %s: %w", name, err)
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.ready, name)
	return nil
}

func (c *Catalog) customDir() string             { return filepath.Join(c.dir, "custom") }
func (c *Catalog) customPath(name string) string { return filepath.Join(c.customDir(), name+".json") }

func (c *Catalog) customRecord(name string) (customRecord, bool, error) {
	data, err := os.ReadFile(c.customPath(name))
	if errors.Is(err, fs.ErrNotExist) {
		return customRecord{}, false, nil
	}
	if err != nil {
		return customRecord{}, false, err
	}
	var r customRecord
	if err := json.Unmarshal(data, &r); err != nil {
		return customRecord{}, false, fmt.Errorf("%s: %w", c.customPath(name), err)
	}
	return r, true, nil
}

func (c *Catalog) customRecords() (map[string]customRecord, error) {
	names, err := os.ReadDir(c.customDir())
	if err != nil {
		return nil, err
	}
	out := map[string]customRecord{}
	for _, d := range names {
		name, ok := strings.CutSuffix(d.Name(), ".json")
		if _, valid := lambda.RuntimeFamily(name); !ok || !valid {
			continue
		}
		r, ok, err := c.customRecord(name)
		if err != nil {
			return nil, err
		}
		if ok {
			out[name] = r
		}
	}
	return out, nil
}

// interpreterDirs are where a root file system may have its interpreter, best first.
var interpreterDirs = []string{"/var/lang/bin", "/usr/local/bin", "/usr/bin", "/bin"}

// describeDir plans an image of a complete root file system at the host path dir.
func (c *Catalog) describeDir(ctx context.Context, name, dir string) (*plan, error) {
	family, _ := lambda.RuntimeFamily(name)
	real, err := filepath.EvalSymlinks(dir)
	if err == nil {
		_, err = os.ReadDir(real)
	}
	if err != nil {
		return nil, &lambda.Error{Kind: lambda.KindInvalid, Err: err,
			Msg: fmt.Sprintf("The directory %s of the runtime %s is not there. Add the runtime again: thaw runtime add %s --from-dir DIR", dir, name, name)}
	}
	col := newCollector()
	if err := col.root(ctx, real); err != nil {
		return nil, fmt.Errorf("collect %s: %w", dir, err)
	}
	if family != lambda.FamilyProvided {
		if err := col.linkInterpreter(name, family); err != nil {
			return nil, err
		}
	}
	if err := c.overlay(ctx, col, family); err != nil {
		return nil, &lambda.Error{Kind: lambda.KindInvalid, Err: err,
			Msg: fmt.Sprintf("The directory %s cannot be used as the root of %s: %v", dir, name, err)}
	}
	p := &plan{name: name, family: family, source: dir}
	return p.finish(col), nil
}

// root collects the host directory dir, a path without symbolic links, as the root of the image.
func (c *collector) root(ctx context.Context, dir string) error {
	return filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		inside := path.Join("/", strings.TrimPrefix(p, dir))
		switch {
		case p == dir:
			return nil
		case d.IsDir():
			return c.dir(inside)
		case d.Type()&fs.ModeSymlink != 0:
			target, err := os.Readlink(p)
			if err != nil {
				return err
			}
			return c.link(inside, target)
		case d.Type().IsRegular():
			info, err := d.Info()
			if err != nil {
				return err
			}
			return c.file(inside, p, info)
		}
		return nil // devices, sockets, pipes
	})
}

// linkInterpreter makes sure that /var/lang/bin has the interpreter under the name Argv uses.
func (c *collector) linkInterpreter(name string, family lambda.Family) error {
	programs := []string{name}
	if family == lambda.FamilyNode {
		programs = []string{"node", "nodejs"}
	}
	for _, dir := range interpreterDirs {
		for _, program := range programs {
			found := path.Join(dir, program)
			if _, ok := c.tree.Lookup(found); !ok {
				continue
			}
			if want := "/var/lang/bin/" + programs[0]; want != found {
				return c.link(want, found)
			}
			return nil
		}
	}
	return lambda.Errorf(lambda.KindInvalid, "There is no %s in the directory; it is searched in %s.", strings.Join(programs, " or "), strings.Join(interpreterDirs, ", "))
}

// overlay lays agent, bootstrap, mount points and our files of /etc over a root file system. The root's own user
// database and name service configuration stay.
func (c *Catalog) overlay(ctx context.Context, col *collector, family lambda.Family) error {
	for _, p := range mountPoints {
		if e, ok := col.tree.Lookup(p); ok && e.Mode.IsDir() {
			continue
		}
		if err := col.dir(p); err != nil {
			return err
		}
	}
	for _, p := range sortedKeys(etc) {
		if _, ok := col.tree.Lookup(p); ok && p != "/etc/hosts" && p != "/etc/resolv.conf" {
			continue
		}
		if err := col.text(p, etc[p]); err != nil {
			return err
		}
	}
	return c.platform(ctx, col, bootstrapFiles(family))
}
