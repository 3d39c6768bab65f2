package image_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"
	gverofs "gvisor.dev/gvisor/pkg/erofs"

	"thaw.dev/thaw/image"
)

// entry is what a test expects to read back.
type entry struct {
	mode    fs.FileMode
	uid     uint32
	gid     uint32
	mtime   time.Time
	content string // of a file, or the target of a link
}

func TestWriteReadsBack(t *testing.T) {
	t.Parallel()
	when := time.Date(2021, 3, 4, 5, 6, 7, 89, time.UTC)
	tree := image.NewTree()
	want := map[string]entry{}
	add := func(p string, e image.Entry, content string) {
		t.Helper()
		if e.Mode.IsRegular() {
			e.Size = int64(len(content))
			e.Open = func() (io.ReadCloser, error) { return io.NopCloser(strings.NewReader(content)), nil }
		}
		if err := tree.Add(p, e); err != nil {
			t.Fatal(err)
		}
		x := entry{mode: e.Mode, uid: e.UID, gid: e.GID, mtime: e.ModTime, content: content}
		if e.Mode.Type() == fs.ModeSymlink {
			x.mode = fs.ModeSymlink | 0o777
		}
		if x.mtime.IsZero() {
			x.mtime = image.DefaultTime
		}
		want[p] = x
	}
	add("/", image.Entry{Mode: fs.ModeDir | 0o751}, "")
	add("/empty", image.Entry{Mode: 0o600}, "")
	add("/dir", image.Entry{Mode: fs.ModeDir | 0o700, UID: 993, GID: 1 << 20, ModTime: when}, "")
	for _, size := range []int{1, 100, 4095, 4096, 4097, 3*4096 + 5} {
		add(fmt.Sprintf("/dir/file%d", size), image.Entry{Mode: 0o755, ModTime: when}, strings.Repeat("x", size-1)+"e")
	}
	add("/dir/link", image.Entry{Mode: fs.ModeSymlink, Target: "file1"}, "file1")
	add("/dir/nowhere", image.Entry{Mode: fs.ModeSymlink, Target: "/not/there"}, "/not/there")
	add("/before-1970", image.Entry{Mode: 0o644, ModTime: time.Unix(0, 0)}, "old")
	add("/.hidden", image.Entry{Mode: 0o644}, "sorts between . and ..")
	add("/!first", image.Entry{Mode: 0o644}, "sorts before .")
	add("/ünïcode \xff", image.Entry{Mode: 0o644}, "any bytes")
	add("/"+strings.Repeat("n", image.MaxNameBytes), image.Entry{Mode: 0o644}, "long name")
	add("/many", image.Entry{Mode: fs.ModeDir | 0o755}, "")
	for i := range 1000 { // a directory of many blocks
		name := fmt.Sprintf("/many/%s%d", strings.Repeat("m", i%200), i)
		add(name, image.Entry{Mode: 0o644}, name)
	}
	add("/many/sub/deep", image.Entry{Mode: 0o644}, "implied parent")
	want["/many/sub"] = entry{mode: fs.ModeDir | 0o755, mtime: image.DefaultTime}

	file := write(t, tree)
	t.Run("reader=go-erofs", func(t *testing.T) { checkGoErofs(t, file, want) })
	t.Run("reader=gvisor", func(t *testing.T) { checkGvisor(t, file, want) })
	if tree.Len() != len(want) {
		t.Errorf("Len is %d, want %d", tree.Len(), len(want))
	}
}

func write(t testing.TB, tree *image.Tree) string {
	t.Helper()
	f, err := os.Create(filepath.Join(t.TempDir(), "image"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := image.Write(context.Background(), f, tree); err != nil {
		t.Fatal(err)
	}
	return f.Name()
}

func checkGoErofs(t *testing.T, file string, want map[string]entry) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fsys, err := erofs.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		seen++
		w, ok := want[path.Join("/", p)]
		if !ok {
			t.Errorf("unexpected %q", p)
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*erofs.Stat)
		got := entry{mode: info.Mode().Type() | info.Mode().Perm(), uid: stat.UID, gid: stat.GID, mtime: info.ModTime().UTC()}
		switch info.Mode().Type() {
		case 0:
			b, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			got.content = string(b)
		case fs.ModeSymlink:
			if got.content, err = fsys.(interface {
				ReadLink(name string) (string, error)
			}).ReadLink(p); err != nil {
				return err
			}
		}
		w.mtime = w.mtime.UTC()
		if got != w {
			t.Fatalf("%.60q: got %v, want %v", p, got, w)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen != len(want) {
		t.Errorf("%d entries, want %d", seen, len(want))
	}
}

// checkGvisor reads the image with the parser of the engine that mounts it. DataOffset is what gVisor maps; it fails
// for data it cannot map.
func checkGvisor(t *testing.T, file string, want map[string]entry) {
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	img, err := gverofs.OpenImage(f)
	if err != nil {
		t.Fatal(err)
	}
	defer img.Close()
	for p, w := range want {
		nid := img.RootNid()
		for _, name := range strings.Split(strings.Trim(p, "/"), "/") {
			if name == "" {
				continue
			}
			dir, err := img.Inode(nid)
			if err != nil {
				t.Fatal(err)
			}
			if nid, err = dir.Lookup(name); err != nil {
				t.Fatalf("look up %.80q: %v", p, err)
			}
		}
		ino, err := img.Inode(nid)
		if err != nil {
			t.Fatalf("%.80q: %v", p, err)
		}
		switch {
		case ino.IsRegular():
			off, err := ino.DataOffset()
			if err != nil {
				t.Fatalf("%.80q cannot be mapped: %v", p, err)
			}
			if off%4096 != 0 || string(raw[off:off+ino.Size()]) != w.content {
				t.Errorf("%.80q: wrong content at offset %d", p, off)
			}
		case ino.IsSymlink():
			if got, err := ino.Readlink(); err != nil || got != w.content {
				t.Errorf("%.80q: link to %q (%v), want %q", p, got, err, w.content)
			}
		case ino.IsDir():
			count := 0
			if err := ino.IterDirents(func(string, uint8, uint64) error { count++; return nil }); err != nil {
				t.Errorf("%.80q: %v", p, err)
			}
			children := 0
			for q := range want {
				if q != "/" && path.Dir(q) == p {
					children++
				}
			}
			if count != children+2 {
				t.Errorf("%.80q: %d entries, want %d and two dots", p, count, children)
			}
		}
		if fs.FileMode(ino.Mode())&0o777 != w.mode.Perm() || ino.UID() != w.uid || ino.GID() != w.gid {
			t.Errorf("%.80q: mode %o owner %d:%d, want %v %d:%d", p, ino.Mode(), ino.UID(), ino.GID(), w.mode, w.uid, w.gid)
		}
	}
}

func TestEqualTreesGiveEqualBytes(t *testing.T) {
	t.Parallel()
	build := func(order []int) []byte {
		tree := image.NewTree()
		for _, i := range order {
			if err := tree.AddBytes(fmt.Sprintf("/d%d/f%d", i%7, i), 0o644, bytes.Repeat([]byte{byte(i)}, i*50)); err != nil {
				t.Fatal(err)
			}
		}
		b, err := os.ReadFile(write(t, tree))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	order := rand.Perm(200)
	first := build(order)
	rand.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
	if !bytes.Equal(first, build(order)) {
		t.Error("the order of Add changed the image")
	}
}

func TestAddRefuses(t *testing.T) {
	t.Parallel()
	tree := image.NewTree()
	for _, err := range []error{
		tree.AddBytes("/file", 0o644, nil),
		tree.AddDir("/dir", 0o755),
		tree.AddSymlink("/link", "dir"),
		tree.AddBytes("/link", 0o644, []byte("replaces the link")),
		tree.AddSymlink("/link", "dir"),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	tests := []struct {
		name string
		err  error
		want error
	}{
		{"relative", tree.AddDir("dir", 0o755), image.ErrName},
		{"dot dot", tree.AddDir("/a/../b", 0o755), image.ErrName},
		{"trailing slash", tree.AddDir("/a/", 0o755), image.ErrName},
		{"empty", tree.AddDir("", 0o755), image.ErrName},
		{"NUL", tree.AddDir("/a\x00b", 0o755), image.ErrName},
		{"long name", tree.AddDir("/"+strings.Repeat("n", 256), 0o755), image.ErrName},
		{"long path", tree.AddDir(strings.Repeat("/n", 2100), 0o755), image.ErrName},
		{"empty target", tree.AddSymlink("/l", ""), image.ErrName},
		{"long target", tree.AddSymlink("/l", strings.Repeat("t", 4096)), image.ErrName},
		{"below a file", tree.AddDir("/file/x", 0o755), image.ErrConflict},
		{"below a link", tree.AddDir("/link/x", 0o755), image.ErrConflict},
		{"directory over file", tree.AddDir("/file", 0o755), image.ErrConflict},
		{"file over directory", tree.AddBytes("/dir", 0o644, nil), image.ErrConflict},
		{"link over directory", tree.AddSymlink("/dir", "x"), image.ErrConflict},
		{"root as file", tree.AddBytes("/", 0o644, nil), image.ErrConflict},
	}
	for _, tt := range tests {
		if !errors.Is(tt.err, tt.want) {
			t.Errorf("%s: error %v, want %v", tt.name, tt.err, tt.want)
		}
	}
	if err := tree.Add("/dev", image.Entry{Mode: fs.ModeDevice | 0o600}); err == nil {
		t.Error("a device was accepted")
	}
	if err := tree.Add("/s", image.Entry{Mode: 0o755 | fs.ModeSetuid}); err != nil {
		t.Fatal(err)
	}
	if e, _ := tree.Lookup("/s"); e.Mode != 0o755 {
		t.Errorf("mode %v, want no setuid bit", e.Mode)
	}
}

func TestWriteNoticesWrongSizes(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int64{"short": 5, "long": 3} {
		tree := image.NewTree()
		if err := tree.Add("/f", image.Entry{Mode: 0o644, Size: size, Open: func() (io.ReadCloser, error) {
			return io.NopCloser(strings.NewReader("four")), nil
		}}); err != nil {
			t.Fatal(err)
		}
		f, err := os.Create(filepath.Join(t.TempDir(), "image"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := image.Write(t.Context(), f, tree); err == nil || !strings.Contains(err.Error(), "/f") {
			t.Errorf("%s: error %v, want one that names the file", name, err)
		}
	}
}
