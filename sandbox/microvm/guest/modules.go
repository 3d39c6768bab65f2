package guest

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// wantedModules are those whose devices and file systems a guest uses; what they need comes along. Some may be built into
// the kernel.
var wantedModules = []string{
	"virtio_mmio", "virtio_console", "virtio_blk", "virtio_net", "vmw_vsock_virtio_transport", "erofs", "ext4",
}

// maxModuleBytes bounds one module.
const maxModuleBytes = 64 << 20

// module is one kernel module.
type module struct {
	name string
	data []byte
}

// modules returns the wanted modules and those they depend on, each after what it needs, from a directory
// lib/modules/RELEASE.
func modules(dir string) ([]module, error) {
	paths, err := modulePaths(dir)
	if err != nil {
		return nil, err
	}
	builtin, err := builtinModules(dir)
	if err != nil {
		return nil, err
	}
	var list []module
	state := map[string]bool{} // true once it is in the list, false while what it needs is looked for
	var visit func(name string) error
	visit = func(name string) error {
		if builtin[name] {
			return nil
		}
		if done, seen := state[name]; seen {
			if !done {
				return fmt.Errorf("module %s depends on itself", name)
			}
			return nil
		}
		state[name] = false
		path, ok := paths[name]
		if !ok {
			return fmt.Errorf("there is no module %s in %s, and the kernel does not contain it", name, dir)
		}
		data, err := readModule(path)
		if err != nil {
			return fmt.Errorf("module %s: %w", path, err)
		}
		needs, likes, err := moduleNeeds(data)
		if err != nil {
			return fmt.Errorf("module %s: %w", path, err)
		}
		for _, name := range likes {
			if paths[name] != "" { // it may also be what an algorithm is called
				needs = append(needs, name)
			}
		}
		for _, need := range needs {
			if err := visit(need); err != nil {
				return err
			}
		}
		state[name] = true
		list = append(list, module{name, data})
		return nil
	}
	for _, name := range wantedModules {
		if err := visit(name); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// moduleName is the name of a module, whichever of the two ways it is written in.
func moduleName(file string) string {
	name, _, _ := strings.Cut(filepath.Base(file), ".ko")
	return strings.ReplaceAll(name, "-", "_")
}

func modulePaths(dir string) (map[string]string, error) {
	paths := map[string]string{}
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() && strings.Contains(d.Name(), ".ko") {
			paths[moduleName(path)] = path
		}
		return err
	})
	return paths, err
}

// builtinModules are the modules that the kernel contains.
func builtinModules(dir string) (map[string]bool, error) {
	b, err := os.ReadFile(filepath.Join(dir, "modules.builtin"))
	if err != nil {
		return nil, fmt.Errorf("%s is no kernel's directory of modules: %w", dir, err)
	}
	names := map[string]bool{}
	for line := range strings.Lines(string(b)) {
		names[moduleName(strings.TrimSpace(line))] = true
	}
	return names, nil
}

// readModule reads a module's file, uncompressed.
func readModule(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // only read
	magic := make([]byte, magicBytes)
	if _, err := io.ReadFull(f, magic); err != nil {
		return nil, err
	}
	r := io.MultiReader(bytes.NewReader(magic), f)
	if !bytes.HasPrefix(magic, []byte(elf.ELFMAG)) {
		if r, err = decompress(f, magic); err != nil {
			return nil, err
		}
	}
	b, err := io.ReadAll(io.LimitReader(r, maxModuleBytes+1))
	if err == nil && len(b) > maxModuleBytes {
		err = errors.New("impossibly large")
	}
	return b, err
}

// moduleNeeds reads which modules one needs to be loaded before it, and which it would like to be.
func moduleNeeds(data []byte) (needs, likes []string, err error) {
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil, nil, err
	}
	info := f.Section(".modinfo")
	if info == nil {
		return nil, nil, errors.New("no .modinfo")
	}
	b, err := info.Data()
	if err != nil {
		return nil, nil, err
	}
	for entry := range strings.SplitSeq(string(b), "\x00") {
		if list, ok := strings.CutPrefix(entry, "depends="); ok && list != "" {
			for name := range strings.SplitSeq(list, ",") {
				needs = append(needs, moduleName(name))
			}
		}
		if list, ok := strings.CutPrefix(entry, "softdep=pre:"); ok {
			before, _, _ := strings.Cut(list, "post:")
			for _, name := range strings.Fields(before) {
				likes = append(likes, moduleName(name))
			}
		}
	}
	return needs, likes, nil
}
