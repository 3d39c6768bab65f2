package cgroup

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// v2Controllers are what a version 2 tree enables for its groups.
var v2Controllers = []string{"cpu", "memory", "pids"}

// Tree is one directory per controller, whose children are groups.
type Tree struct {
	h    Hierarchy
	name string
}

// Open makes the tree called name, a single path element, or takes over an existing one.
func Open(h Hierarchy, name string) (*Tree, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsRune(name, '/') {
		return nil, fmt.Errorf("open cgroup tree: bad name %q", name)
	}
	t := &Tree{h: h, name: name}
	for _, d := range t.dirs() {
		if err := os.Mkdir(d, 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return nil, fmt.Errorf("open cgroup tree: %w", err)
		}
	}
	if h.Version == 2 {
		// A controller reaches a group only if every directory above enables it for its children.
		for _, d := range []string{h.Memory, filepath.Join(h.Memory, name)} {
			for _, c := range v2Controllers {
				if err := write(d, "cgroup.subtree_control", "+"+c); err != nil {
					return nil, fmt.Errorf("open cgroup tree: enable %s: %w", c, err)
				}
			}
		}
	}
	return t, nil
}

// Hierarchy returns where t lives.
func (t *Tree) Hierarchy() Hierarchy { return t.h }

// dirs returns the tree's directories, each once.
func (t *Tree) dirs() []string {
	var ds []string
	for _, root := range []string{t.h.Memory, t.h.CPU, t.h.CPUAcct, t.h.Pids} {
		if d := filepath.Join(root, t.name); !slices.Contains(ds, d) {
			ds = append(ds, d)
		}
	}
	return ds
}

// Create makes the group called name. It fails if there is one.
func (t *Tree) Create(name string) (*Group, error) {
	g := t.group(name)
	for i, d := range g.dirs {
		if err := os.Mkdir(d, 0o755); err != nil {
			for _, made := range g.dirs[:i] {
				_ = os.Remove(made)
			}
			return nil, fmt.Errorf("create cgroup: %w", err)
		}
	}
	return g, nil
}

// Groups returns all groups in the tree, also those an earlier process made.
func (t *Tree) Groups() ([]*Group, error) {
	var names []string
	for _, d := range t.dirs() {
		entries, err := os.ReadDir(d)
		if err != nil {
			return nil, fmt.Errorf("list cgroups: %w", err)
		}
		for _, e := range entries {
			if e.IsDir() && !slices.Contains(names, e.Name()) {
				names = append(names, e.Name())
			}
		}
	}
	gs := make([]*Group, len(names))
	for i, name := range names {
		gs[i] = t.group(name)
	}
	return gs, nil
}

// Remove removes the tree, which must have no groups. A group that was removed just now may be in the way for a moment,
// for which Remove waits at most patience.
func (t *Tree) Remove(patience time.Duration) error { return remove(t.dirs(), patience) }

// Group is one set of processes.
type Group struct {
	name                       string
	version                    int
	memory, cpu, cpuacct, pids string
	dirs                       []string // the distinct ones of the four
}

func (t *Tree) group(name string) *Group {
	g := &Group{
		name:    name,
		version: t.h.Version,
		memory:  filepath.Join(t.h.Memory, t.name, name),
		cpu:     filepath.Join(t.h.CPU, t.name, name),
		cpuacct: filepath.Join(t.h.CPUAcct, t.name, name),
		pids:    filepath.Join(t.h.Pids, t.name, name),
	}
	for _, d := range t.dirs() {
		g.dirs = append(g.dirs, filepath.Join(d, name))
	}
	return g
}

// Name returns the group's name.
func (g *Group) Name() string { return g.name }

// Add moves the process pid into the group, with all its threads. Processes it forks from then on start in the group,
// those it has already do not move. It returns an error matching syscall.ESRCH if there is no such process.
func (g *Group) Add(pid int) error {
	for _, d := range g.dirs {
		if err := write(d, "cgroup.procs", strconv.Itoa(pid)); err != nil {
			return fmt.Errorf("add process %d: %w", pid, err)
		}
	}
	return nil
}

// Pids returns the processes that are in the group, in any of its controllers.
func (g *Group) Pids() ([]int, error) {
	var pids []int
	for _, d := range g.dirs {
		b, err := os.ReadFile(filepath.Join(d, "cgroup.procs"))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("list processes of cgroup: %w", err)
		}
		for _, f := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(f); err == nil && pid > 0 && !slices.Contains(pids, pid) {
				pids = append(pids, pid)
			}
		}
	}
	return pids, nil
}

// Remove removes the group. Its processes must have been killed; the kernel may need a moment until it has seen that,
// for which Remove waits at most patience. A group that is not there is no error.
func (g *Group) Remove(patience time.Duration) error { return remove(g.dirs, patience) }

// remove removes directories, each as soon as the kernel allows it.
func remove(dirs []string, patience time.Duration) error {
	deadline := time.Now().Add(patience)
	var errs []error
	for _, d := range dirs {
		for pause := 200 * time.Microsecond; ; pause = min(2*pause, 20*time.Millisecond) {
			err := syscall.Rmdir(d)
			if err == nil || errors.Is(err, fs.ErrNotExist) {
				break
			}
			if !errors.Is(err, syscall.EBUSY) || time.Now().After(deadline) {
				errs = append(errs, fmt.Errorf("remove cgroup %s: %w", d, err))
				break
			}
			time.Sleep(pause) // the kernel has no event for this
		}
	}
	return errors.Join(errs...)
}

// write writes value to an existing control file.
func write(dir, file, value string) error {
	f, err := os.OpenFile(filepath.Join(dir, file), os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(value)
	if cerr := f.Close(); err == nil {
		err = cerr
	}
	return err
}
