package runtimes

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"thaw.dev/thaw/image"
	"thaw.dev/thaw/lambda"
)

// Options configure a Catalog.
type Options struct {
	// Dir keeps the records of the catalog and its temporary files; created with mode 0700 if missing.
	Dir string
	// Images keeps the images. It may be shared with other owners.
	Images *image.Store
	// AgentBinary is the host path of the static agent that becomes PID 1.
	AgentBinary string
	// Logger receives what an operator should know; nil means none.
	Logger *slog.Logger
	// Progress is told what a build is doing: short texts such as "write image". Nil means nobody listens. It is
	// called from the goroutine that builds and must return soon.
	Progress func(runtime, step string)
	// SearchPath is where interpreters are looked for, in order, in the form of PATH. Empty means the PATH of this
	// process, then /usr/local/bin and /usr/bin.
	SearchPath string
}

// State tells what there is of a runtime.
type State string

// States of a runtime.
const (
	StateAvailable State = "available" // its interpreter is on this host; the first use builds the image
	StateBuilt     State = "built"     // the image is there
	StateCustom    State = "custom"    // added by Add; the image is there unless Bytes is 0
)

// Runtime describes one runtime of a Catalog.
type Runtime struct {
	Name    string        `json:"name"` // Lambda's identifier, e.g. "python3.11"
	Family  lambda.Family `json:"family"`
	State   State         `json:"state"`
	Source  string        `json:"source"`           // host path of the interpreter or root directory; "host" for provided
	Version string        `json:"version"`          // the interpreter's, e.g. "3.11.7"; "" for provided
	Digest  string        `json:"digest,omitempty"` // the image's key, "" until built
	Bytes   int64         `json:"bytes,omitempty"`  // length of the image file, 0 until built
}

// Catalog knows the runtimes of this host. Methods may be called concurrently.
type Catalog struct {
	dir        string
	images     *image.Store
	agent      string
	log        *slog.Logger
	progress   func(runtime, step string)
	searchPath []string

	mu     sync.Mutex
	ready  map[string]ready  // images this process has ensured, by runtime; guarded by mu
	probed map[string]probed // what interpreters said of themselves, by path; guarded by mu
	agentS agentSum          // guarded by mu
}

// ready is an image that this process has ensured, and the record it was made for.
type ready struct {
	record stamp
	image  Image
}

// Open opens the catalog in o.Dir and removes what interrupted builds left there. It builds nothing.
func Open(o Options) (*Catalog, error) {
	if o.Images == nil || o.AgentBinary == "" {
		return nil, errors.New("open runtimes: Images and AgentBinary are required")
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Progress == nil {
		o.Progress = func(string, string) {}
	}
	if o.SearchPath == "" {
		o.SearchPath = os.Getenv("PATH") + ":/usr/local/bin:/usr/bin"
	}
	c := &Catalog{
		dir: o.Dir, images: o.Images, agent: o.AgentBinary, log: o.Logger, progress: o.Progress,
		searchPath: filepath.SplitList(o.SearchPath),
		ready:      map[string]ready{}, probed: map[string]probed{},
	}
	for _, d := range []string{c.customDir(), c.builtDir()} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			return nil, fmt.Errorf("open runtimes: %w", err)
		}
	}
	if err := c.removeTemp(); err != nil {
		return nil, fmt.Errorf("open runtimes: %w", err)
	}
	return c, nil
}

// List returns every runtime this host can offer, in order of family and version. Interpreters that do not answer are
// left out.
func (c *Catalog) List(ctx context.Context) ([]Runtime, error) {
	custom, err := c.customRecords()
	if err != nil {
		return nil, fmt.Errorf("list runtimes: %w", err)
	}
	found := map[string]Runtime{}
	for _, name := range []string{"provided.al2", "provided.al2023"} {
		found[name] = Runtime{Name: name, Family: lambda.FamilyProvided, State: StateAvailable, Source: "host"}
	}
	for _, in := range c.discover(ctx) {
		if _, ok := found[in.runtime]; !ok {
			family, _ := lambda.RuntimeFamily(in.runtime)
			found[in.runtime] = Runtime{Name: in.runtime, Family: family, State: StateAvailable, Source: in.path, Version: in.version}
		}
	}
	for name, r := range custom {
		family, _ := lambda.RuntimeFamily(name)
		found[name] = Runtime{Name: name, Family: family, State: StateCustom, Source: cmp.Or(r.FromDir, r.Interpreter, strings.Join(r.With, ", ")), Version: r.Version}
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	sizes, err := c.imageSizes()
	if err != nil {
		return nil, fmt.Errorf("list runtimes: %w", err)
	}
	var out []Runtime
	for name, r := range found {
		if b, ok := c.built(name); ok && b.Source == r.Source && sizes[b.Key] > 0 {
			r.Digest, r.Bytes = b.Key, sizes[b.Key]
			if r.State == StateAvailable {
				r.State = StateBuilt
			}
		}
		out = append(out, r)
	}
	slices.SortFunc(out, func(a, b Runtime) int {
		return cmp.Or(cmp.Compare(a.Family, b.Family), cmp.Compare(ordinal(a.Name), ordinal(b.Name)))
	})
	return out, nil
}

// ordinal is the last number in a runtime's name, by which runtimes of a family are sorted.
func ordinal(name string) int {
	digits := strings.FieldsFunc(name, func(r rune) bool { return r < '0' || r > '9' })
	n, _ := strconv.Atoi(digits[len(digits)-1]) // every name has a number
	return n
}

func (c *Catalog) imageSizes() (map[string]int64, error) {
	images, err := c.images.List()
	if err != nil {
		return nil, err
	}
	sizes := make(map[string]int64, len(images))
	for _, i := range images {
		sizes[i.Key] = i.Bytes
	}
	return sizes, nil
}
