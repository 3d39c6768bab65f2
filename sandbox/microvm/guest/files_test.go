package guest_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/sandbox/microvm/guest"
)

// initProgram is a file that stands for thaw-init.
func initProgram(t *testing.T, content string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "init")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// source is a kernel and its modules as an operator may have them: mmio and blk are modules, one of them compressed and in
// need of a third, and everything else is in the kernel.
func source(t *testing.T) guest.Source {
	t.Helper()
	dir := t.TempDir()
	put := func(name string, content []byte) {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("vmlinuz", bzImage(t, kernel(t, true), "lz4"))
	put("modules/modules.builtin", []byte("kernel/drivers/virtio-rng.ko\nkernel/virtio_console.ko\nkernel/virtio_net.ko\nkernel/vmw_vsock_virtio_transport.ko\nkernel/erofs.ko\nkernel/fs/ext4/ext4.ko\n"))
	put("modules/kernel/virtio_mmio.ko", elfWith(t, ".modinfo", []byte("license=GPL\x00depends=virtio-ring\x00softdep=pre: crc32c virtio_blk post: other\x00")))
	put("modules/kernel/virtio-ring.ko", elfWith(t, ".modinfo", []byte("depends=\x00")))
	put("modules/kernel/deep/virtio_blk.ko.gz", gzipped(t, elfWith(t, ".modinfo", []byte("depends=virtio_ring\x00"))))
	return guest.Source{Kernel: filepath.Join(dir, "vmlinuz"), Modules: filepath.Join(dir, "modules")}
}

func open(t *testing.T, dir, init string) *guest.Files {
	t.Helper()
	f, err := guest.Open(dir, init)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func content(t *testing.T, f *os.File) string {
	t.Helper()
	b, err := io.ReadAll(io.NewSectionReader(f, 0, 1<<30))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestBuild(t *testing.T) {
	t.Parallel()
	dir, init := t.TempDir(), initProgram(t, "program")
	if _, err := guest.Open(dir, init); !errors.Is(err, guest.ErrMissing) {
		t.Errorf("before the first build: %v", err)
	}
	var steps []string
	src := source(t)
	if err := guest.Build(t.Context(), dir, src, func(s string) { steps = append(steps, s) }); err != nil {
		t.Fatal(err)
	}
	if len(steps) != 2 {
		t.Errorf("steps %q", steps)
	}
	f := open(t, dir, init)
	k := f.Kernel()
	if got := content(t, k.Image); got != string(kernel(t, true)) {
		t.Errorf("the kernel has %d bytes", len(got))
	}
	initrd := content(t, k.Initrd)
	from := 0
	for _, name := range []string{"dev/console", "init", "program", "TRAILER!!!", "modules/00-virtio_ring.ko", "modules/01-virtio_blk.ko", "modules/02-virtio_mmio.ko", "TRAILER!!!"} {
		i := strings.Index(initrd[from:], name)
		if i < 0 {
			t.Errorf("%s is not where it should be in the initramfs", name)
		}
		from += max(i, 0)
	}
	if !strings.HasSuffix(f.Version(), " modules") || len(f.Hash()) != 64 || !strings.Contains(k.Cmdline, "panic=-1") {
		t.Errorf("version %q, hash %q, command line %q", f.Version(), f.Hash(), k.Cmdline)
	}

	again := t.TempDir() // equal inputs give equal files
	if err := guest.Build(t.Context(), again, src, nil); err != nil {
		t.Fatal(err)
	}
	if g := open(t, again, init); g.Hash() != f.Hash() || content(t, g.Kernel().Initrd) != initrd {
		t.Error("a second build gave something else")
	}
	// Another init is another initramfs, of the same build; the one that is open stays.
	other := open(t, dir, initProgram(t, "another program"))
	if other.Hash() == f.Hash() || !strings.Contains(content(t, other.Kernel().Initrd), "another program") || content(t, k.Initrd) != initrd {
		t.Error("the initramfs does not have its own init")
	}
}

func TestOpenVerifies(t *testing.T) {
	t.Parallel()
	src := source(t)
	for _, pattern := range []string{"kernel-*", "modules-*", "guest.json"} {
		dir, init := t.TempDir(), initProgram(t, "program")
		if err := guest.Build(t.Context(), dir, src, nil); err != nil {
			t.Fatal(err)
		}
		_ = open(t, dir, init)
		list, err := filepath.Glob(filepath.Join(dir, pattern))
		if err != nil || len(list) != 1 {
			t.Fatalf("%q, %v", list, err)
		}
		b, err := os.ReadFile(list[0])
		if err != nil {
			t.Fatal(err)
		}
		b[len(b)/2] ^= 1
		if err := os.WriteFile(list[0], b, 0o600); err != nil {
			t.Fatal(err)
		}
		if f, err := guest.Open(dir, init); err == nil {
			_ = f.Close()
			t.Errorf("opened with a damaged %s", pattern)
		}
	}
}

// TestBuildOfWhatIsNot: nothing of these makes files, and what was there stays.
func TestBuildOfWhatIsNot(t *testing.T) {
	t.Parallel()
	dir, init, good := t.TempDir(), initProgram(t, "program"), source(t)
	if err := guest.Build(t.Context(), dir, good, nil); err != nil {
		t.Fatal(err)
	}
	hash := open(t, dir, init).Hash()
	file := func(b []byte) string {
		path := filepath.Join(t.TempDir(), "file")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	whole := bzImage(t, kernel(t, true), "gzip")
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, src := range map[string]guest.Source{
		"no kernel":           {Kernel: file([]byte("#!/bin/sh")), Modules: good.Modules},
		"half a kernel":       {Kernel: file(whole[:len(whole)/2]), Modules: good.Modules},
		"a kernel for others": {Kernel: file(bzImage(t, kernel(t, false), "gzip")), Modules: good.Modules},
		"no modules":          {Kernel: good.Kernel, Modules: t.TempDir()},
		"a kernel alone":      {Kernel: good.Kernel},
		"everything":          {Package: "x", Kernel: good.Kernel, Modules: good.Modules},
		"no package":          {Package: file([]byte("!<arch>"))},
		"another package":     {Package: file(deb(t, map[string][]byte{"./usr/bin/x": nil}))},
		"a canceled build":    good,
	} {
		ctx := t.Context()
		if name == "a canceled build" {
			ctx = canceled
		}
		if err := guest.Build(ctx, dir, src, nil); err == nil {
			t.Errorf("%s: built", name)
		}
	}
	if open(t, dir, init).Hash() != hash {
		t.Error("what was there is gone")
	}
	if left, err := filepath.Glob(filepath.Join(dir, ".*")); err != nil || len(left) > 0 {
		t.Errorf("left over: %q, %v", left, err)
	}
}

// TestBuildFromAPackage: a package of Debian, with what must not be written among what must.
func TestBuildFromAPackage(t *testing.T) {
	t.Parallel()
	src := source(t)
	files := map[string][]byte{"./boot/vmlinuz-6.1": nil, "./lib/modules/../../../escape": []byte("x"), "./usr/share/doc/x": []byte("x")}
	var err error
	if files["./boot/vmlinuz-6.1"], err = os.ReadFile(src.Kernel); err != nil {
		t.Fatal(err)
	}
	err = filepath.WalkDir(src.Modules, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(src.Modules, path)
		if err == nil {
			files["./usr/lib/modules/6.1/"+rel], err = os.ReadFile(path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(t.TempDir(), "kernel.deb")
	if err := os.WriteFile(path, deb(t, files), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := guest.Build(t.Context(), dir, guest.Source{Package: path}, nil); err != nil {
		t.Fatal(err)
	}
	f := open(t, dir, initProgram(t, "program"))
	if f.Version() != "linux-image-test 1.2-3" {
		t.Errorf("version %q", f.Version())
	}
	direct := t.TempDir()
	if err := guest.Build(t.Context(), direct, src, nil); err != nil {
		t.Fatal(err)
	}
	if g := open(t, direct, initProgram(t, "program")); g.Hash() != f.Hash() {
		t.Error("the package gave other files than what it was made of")
	}
	if _, err := os.Stat(filepath.Join(filepath.Dir(dir), "escape")); err == nil {
		t.Error("a file left its directory")
	}
}
