package guest

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"thaw.dev/thaw/sandbox/microvm/guest/pid1"
	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// ErrMissing is returned by Open when the directory has no guest's files yet. Its text names the command that makes them.
var ErrMissing = errors.New("no kernel for virtual machines is installed: run thaw runtime kernel")

// recordName is the file of the directory that says which of the others belong together.
const recordName = "guest.json"

// record is what that file says.
type record struct {
	Package string `json:"package"` // where the kernel is from
	Version string `json:"version"` // of the package
	Kernel  string `json:"kernel"`  // SHA-256 of kernel-HASH, in hexadecimal
	Modules string `json:"modules"` // SHA-256 of modules-HASH
}

// Files are what guests boot from. They stay usable after the directory has got others.
type Files struct {
	image  *os.File
	initrd *os.File
	rec    record
	hash   string
}

// Open opens the guest's files in the directory dir and verifies them. init is the path of the program thaw-init; the
// initramfs is made of it and the modules, so that a new init needs no new Build. It returns ErrMissing before the first
// Build.
func Open(dir, init string) (*Files, error) {
	b, err := os.ReadFile(filepath.Join(dir, recordName))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrMissing
	}
	f := &Files{}
	if err == nil {
		err = json.Unmarshal(b, &f.rec)
	}
	if err == nil {
		err = f.open(dir, init)
	}
	if err != nil {
		_ = f.Close()
		return nil, fmt.Errorf("open guest's files: %w", err)
	}
	return f, nil
}

func (f *Files) open(dir, init string) (err error) {
	if f.image, err = os.Open(filepath.Join(dir, kernelName(f.rec.Kernel))); err != nil {
		return err
	}
	h := sha256.New()
	if _, err := io.Copy(h, f.image); err != nil {
		return err
	}
	if got := hex.EncodeToString(h.Sum(nil)); got != f.rec.Kernel {
		return fmt.Errorf("%s is damaged: SHA-256 %s", f.image.Name(), got)
	}
	modules, err := os.ReadFile(filepath.Join(dir, modulesName(f.rec.Modules)))
	if err != nil {
		return err
	}
	if got := sum(modules); got != f.rec.Modules {
		return fmt.Errorf("%s is damaged: SHA-256 %s", modulesName(f.rec.Modules), got)
	}
	program, err := os.ReadFile(init)
	if err != nil {
		return err
	}
	initrd := append(initArchive(program), modules...)
	f.hash = sum([]byte(f.rec.Kernel + sum(initrd)))
	path := filepath.Join(dir, "initrd-"+sum(initrd)[:16])
	if b, err := os.ReadFile(path); err != nil || !bytes.Equal(b, initrd) {
		if err := writeFile(path, initrd); err != nil {
			return err
		}
	}
	f.initrd, err = os.Open(path)
	return err
}

// Close closes the files.
func (f *Files) Close() error {
	var errs []error
	for _, file := range []*os.File{f.image, f.initrd} {
		if file != nil {
			errs = append(errs, file.Close())
		}
	}
	return errors.Join(errs...)
}

// Kernel is what a monitor boots. Its files are f's, which closes them.
func (f *Files) Kernel() vmm.Kernel {
	return vmm.Kernel{Image: f.image, Initrd: f.initrd, Cmdline: Cmdline}
}

// Version is the kernel's package and its version, for people.
func (f *Files) Version() string { return f.rec.Package + " " + f.rec.Version }

// Hash names everything that is in the files, in hexadecimal: what a snapshot depends on.
func (f *Files) Hash() string { return f.hash }

func kernelName(hash string) string  { return "kernel-" + short(hash) }
func modulesName(hash string) string { return "modules-" + short(hash) }

// short is the part of a hash that is in names; a record may be damaged.
func short(hash string) string { return hash[:min(16, len(hash))] }

func sum(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// initArchive is the part of the initramfs with init and the directories it needs.
func initArchive(program []byte) []byte {
	var a archive
	for _, dir := range pid1.Dirs {
		a.add(dir[1:], cpioDir, nil, 0, 0)
	}
	a.add("dev/console", cpioChar, nil, 5, 1) // the kernel opens it for init
	a.add("init", cpioExec, program, 0, 0)
	return a.bytes()
}

// modulesArchive is the other part.
func modulesArchive(list []module) []byte {
	var a archive
	a.add(pid1.ModulesDir[1:], cpioDir, nil, 0, 0)
	for i, m := range list {
		a.add(fmt.Sprintf("%s/%02d-%s.ko", pid1.ModulesDir[1:], i, m.name), cpioFile, m.data, 0, 0)
	}
	return a.bytes()
}

// writeFile makes a file appear whole or not at all.
func writeFile(path string, data []byte) error {
	tmp, err := os.CreateTemp(filepath.Dir(path), ".new-*")
	if err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp.Name()) }() // gone already after the rename
	_, err = tmp.Write(data)
	if err == nil {
		err = tmp.Chmod(0o644)
	}
	if err == nil {
		err = tmp.Sync()
	}
	if cerr := tmp.Close(); err == nil {
		err = cerr
	}
	if err != nil {
		return err
	}
	return os.Rename(tmp.Name(), path)
}
