package runtimes

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
)

// probeTimeout bounds how long an interpreter may take to describe itself.
const probeTimeout = 10 * time.Second

// The oldest interpreters that the bundled bootstraps run on: Python 3.8, Node.js 16.
const (
	minPython = 8
	minNode   = 16
)

// interpreter is a host program that can run a runtime's functions.
type interpreter struct {
	runtime string // Lambda's identifier
	path    string // the program itself: symbolic links, shims and virtual environments are resolved
	version string
	python  *pythonPaths // nil for node
}

// pythonPaths is what a Python says of itself.
type pythonPaths struct {
	Executable string   `json:"executable"`
	Version    string   `json:"version"`
	Library    []string `json:"library"` // directories of the standard library, lib-dynload included
	Magic      string   `json:"magic"`   // first bytes of its bytecode files, hexadecimal
	Tag        string   `json:"tag"`     // e.g. "cpython-311"
	CAFile     string   `json:"cafile"`  // where its OpenSSL looks for certificates; "" without ssl
}

// pythonProbe prints a pythonPaths. It runs isolated and without site, so that nothing installed beside the standard
// library has a say.
const pythonProbe = `
import importlib.util, json, os, sys, sysconfig
try:
    import ssl
    cafile = ssl.get_default_verify_paths().openssl_cafile
except Exception:
    cafile = ""
library = [sysconfig.get_path("stdlib"), sysconfig.get_path("platstdlib")]
library += [p for p in sys.path if os.path.basename(p) == "lib-dynload"]
print(json.dumps({
    "executable": os.path.realpath(getattr(sys, "_base_executable", None) or sys.executable),
    "version": "%d.%d.%d" % sys.version_info[:3],
    "library": [p for p in dict.fromkeys(library) if os.path.isdir(p)],
    "magic": importlib.util.MAGIC_NUMBER.hex(),
    "tag": sys.implementation.cache_tag,
    "cafile": cafile,
}))
`

const nodeProbe = `console.log(JSON.stringify({executable: require("fs").realpathSync(process.execPath), version: process.versions.node}))`

var (
	pythonProgram = regexp.MustCompile(`^python3\.[0-9]{1,2}$`)
	nodeProgram   = regexp.MustCompile(`^node(js)?$`)
)

// probed is an interpreter's answer, and the file it came from.
type probed struct {
	stamp stamp
	in    interpreter
}

// stamp tells whether a file is still the same. The zero stamp is a missing file.
type stamp struct {
	size int64
	time time.Time
}

func stampOf(path string) stamp {
	info, err := os.Stat(path)
	if err != nil {
		return stamp{}
	}
	return stamp{info.Size(), info.ModTime()}
}

// discover returns the interpreters of this host, best first.
func (c *Catalog) discover(ctx context.Context) []interpreter {
	return c.probeAll(ctx, func(program string) bool {
		return pythonProgram.MatchString(program) || nodeProgram.MatchString(program)
	})
}

// find returns the interpreter of this host that the runtime name uses.
func (c *Catalog) find(ctx context.Context, name string) (interpreter, bool) {
	family, _ := lambda.RuntimeFamily(name)
	for _, in := range c.probeAll(ctx, func(program string) bool {
		return family == lambda.FamilyPython && program == name || family == lambda.FamilyNode && nodeProgram.MatchString(program)
	}) {
		if in.runtime == name {
			return in, true
		}
	}
	return interpreter{}, false
}

func (c *Catalog) probeAll(ctx context.Context, want func(program string) bool) []interpreter {
	var out []interpreter
	for _, path := range c.candidates(want) {
		if in, err := c.probe(ctx, path); err == nil {
			out = append(out, in)
		} else {
			c.log.Debug("interpreter left out", "path", path, "error", err)
		}
	}
	return out
}

// candidates are the programs on the search path whose base name want accepts. A directory of shims, which version
// managers put on the PATH, stands for the versions beside it.
func (c *Catalog) candidates(want func(program string) bool) []string {
	var dirs []string
	for _, dir := range c.searchPath {
		if filepath.Base(dir) != "shims" {
			dirs = append(dirs, dir)
			continue
		}
		root := filepath.Dir(dir)
		for _, pattern := range []string{"versions/*/bin", "installs/*/*/bin"} { // pyenv, nodenv; asdf, mise
			found, _ := filepath.Glob(filepath.Join(root, pattern)) // the pattern is valid
			slices.Reverse(found)                                   // newer patch releases first
			dirs = append(dirs, found...)
		}
	}
	var out []string
	seen := map[string]bool{}
	for _, dir := range dirs {
		if !filepath.IsAbs(dir) {
			continue
		}
		names, err := os.ReadDir(dir)
		if err != nil {
			continue // PATH may name directories that do not exist
		}
		for _, d := range names {
			if !want(d.Name()) {
				continue
			}
			path, err := filepath.EvalSymlinks(filepath.Join(dir, d.Name()))
			if err == nil && !seen[path] && isELF(path) {
				seen[path] = true
				out = append(out, path)
			}
		}
	}
	return out
}

// probe asks the interpreter at path who it is. Answers are remembered while the file stays as it is; failures are
// not, because a busy host can cause them.
func (c *Catalog) probe(ctx context.Context, path string) (interpreter, error) {
	now := stampOf(path)
	c.mu.Lock()
	p, ok := c.probed[path]
	c.mu.Unlock()
	if ok && p.stamp == now {
		return p.in, nil
	}
	in, err := ask(ctx, path)
	if err != nil {
		return interpreter{}, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.probed[path] = probed{now, in}
	return in, nil
}

func ask(ctx context.Context, path string) (interpreter, error) {
	base := filepath.Base(path)
	if strings.HasPrefix(base, "node") {
		var said struct{ Executable, Version string }
		if err := run(ctx, &said, path, "-e", nodeProbe); err != nil {
			return interpreter{}, err
		}
		var major int
		if _, err := fmt.Sscanf(said.Version, "%d.", &major); err != nil || major < minNode {
			return interpreter{}, fmt.Errorf("node %q at %s cannot be used: %d or newer is needed", said.Version, path, minNode)
		}
		return named(interpreter{runtime: fmt.Sprintf("nodejs%d.x", major), path: said.Executable, version: said.Version})
	}
	var said pythonPaths
	if err := run(ctx, &said, path, "-I", "-S", "-c", pythonProbe); err != nil {
		return interpreter{}, err
	}
	var minor, patch int
	if _, err := fmt.Sscanf(said.Version, "3.%d.%d", &minor, &patch); err != nil || minor < minPython || len(said.Library) == 0 {
		return interpreter{}, fmt.Errorf("python %q at %s cannot be used: 3.%d or newer is needed", said.Version, path, minPython)
	}
	return named(interpreter{runtime: fmt.Sprintf("python3.%d", minor), path: said.Executable, version: said.Version, python: &said})
}

func named(in interpreter) (interpreter, error) {
	if _, ok := lambda.RuntimeFamily(in.runtime); !ok {
		return in, fmt.Errorf("%s is no runtime of Lambda (%s)", in.runtime, in.path)
	}
	return in, nil
}

// run starts a program in an empty environment and decodes the JSON it prints.
func run(ctx context.Context, into any, path string, args ...string) error {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Env = []string{"LANG=C.UTF-8"}
	cmd.Dir = "/"
	var complaint bytes.Buffer
	cmd.Stderr = &complaint
	out, err := bound(cmd, cmd.Output)
	if err != nil {
		return fmt.Errorf("run %s: %w: %.200s", path, err, complaint.String())
	}
	if err := json.Unmarshal(out, into); err != nil {
		return fmt.Errorf("run %s: %w", path, err)
	}
	return nil
}

func isELF(path string) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 4)
	_, err = io.ReadFull(f, head)
	return err == nil && string(head) == "\x7fELF"
}
