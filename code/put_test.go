package code_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/erofs/go-erofs"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/lambda"
)

func open(t testing.TB, dir string) *code.Store {
	t.Helper()
	s, err := code.Open(code.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func put(t testing.TB, s *code.Store, zip []byte) lambda.Code {
	t.Helper()
	c, err := s.Put(t.Context(), zip)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// content reads an image: path to mode, a space, and content or target.
func content(t testing.TB, file string) map[string]string {
	t.Helper()
	f, err := os.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	fsys, err := erofs.Open(f)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	err = fs.WalkDir(fsys, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		text := ""
		switch d.Type() {
		case 0:
			b, err := fs.ReadFile(fsys, p)
			if err != nil {
				return err
			}
			text = string(b)
		case fs.ModeSymlink:
			if text, err = fsys.(interface {
				ReadLink(name string) (string, error)
			}).ReadLink(p); err != nil {
				return err
			}
		}
		out[p] = fmt.Sprintf("%v %s", info.Mode().Type()|info.Mode().Perm(), text)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func TestPutAndImage(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	when := time.Date(2022, 2, 3, 4, 5, 6, 0, time.UTC)
	zip := pack(t,
		item{name: "handler.py", content: "def handler(): ...", mode: 0o600, time: when},
		item{name: "bin/run", content: "#!/bin/sh", mode: 0o755 | fs.ModeSetuid | fs.ModeSticky},
		item{name: "closed/", mode: fs.ModeDir | 0o700},
		item{name: "closed/f", content: "1", mode: 0o200},
		item{name: "./dots//and/slashes", content: "2"},
		item{name: "twice", content: "first"},
		item{name: "twice", content: "second", mode: 0o755},
		item{name: "was-link", content: "target", mode: fs.ModeSymlink | 0o777},
		item{name: "was-link", content: "now a file"},
		item{name: "empty"},
		item{name: "a/b/"}, item{name: "a/b/"},
		link("inside", "a/../bin/./run"), link("a/up", "../bin/run"), link("dangling", "nothing"),
		link("layer", "/opt/x"), link("tmp", "/tmp"), link("self", "/var/task/bin/run"),
		item{name: "ünïcode", content: "é"},
	)
	c := put(t, s, zip)
	sum := sha256.Sum256(zip)
	if c.SHA256 != hex.EncodeToString(sum[:]) || c.Size != int64(len(zip)) {
		t.Errorf("code %+v", c)
	}
	p, err := s.Image(t.Context(), c.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		".": "drwxr-xr-x ", "handler.py": "-rw-r--r-- def handler(): ...",
		"bin": "drwxr-xr-x ", "bin/run": "-rwxr-xr-x #!/bin/sh",
		"closed": "drwxr-xr-x ", "closed/f": "-rw-r--r-- 1",
		"dots": "drwxr-xr-x ", "dots/and": "drwxr-xr-x ", "dots/and/slashes": "-rw-r--r-- 2",
		"twice": "-rwxr-xr-x second", "was-link": "-rw-r--r-- now a file", "empty": "-rw-r--r-- ",
		"a": "drwxr-xr-x ", "a/b": "drwxr-xr-x ",
		"inside": "Lrwxrwxrwx a/../bin/./run", "a/up": "Lrwxrwxrwx ../bin/run", "dangling": "Lrwxrwxrwx nothing",
		"layer": "Lrwxrwxrwx /opt/x", "tmp": "Lrwxrwxrwx /tmp", "self": "Lrwxrwxrwx /var/task/bin/run",
		"ünïcode": "-rw-r--r-- é",
	}
	got := content(t, p)
	for name, w := range want {
		if got[name] != w {
			t.Errorf("%s: %q, want %q", name, got[name], w)
		}
		delete(got, name)
	}
	if len(got) > 0 {
		t.Errorf("unexpected %v", got)
	}
	r, size, err := s.Zip(c.SHA256)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	if b, err := io.ReadAll(r); err != nil || size != c.Size || string(b) != string(zip) {
		t.Errorf("Zip gave %d of %d bytes (%v)", len(b), size, err)
	}
}

func TestPutRefuses(t *testing.T) {
	t.Parallel()
	for name, h := range hostile(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			s := open(t, filepath.Join(dir, "store"))
			_, err := s.Put(t.Context(), h.zip)
			e, ok := errors.AsType[*lambda.Error](err)
			if !ok || e.Kind != lambda.KindInvalid || !strings.HasPrefix(e.Msg, h.text) || !strings.Contains(e.Msg, h.detail) {
				t.Fatalf("error %v, want %q with %q", err, h.text, h.detail)
			}
			if u, err := s.Size(); err != nil || u != (code.Usage{}) {
				t.Errorf("left %+v (%v)", u, err)
			}
			onlyStore(t, dir)
		})
	}
}

// onlyStore checks that nothing was written beside the directories of the store.
func onlyStore(t testing.TB, dir string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		switch rel, _ := filepath.Rel(dir, p); {
		case d.IsDir() && (rel == "." || rel == "store" || rel == "store/blobs" || rel == "store/images"):
		case d.Type().IsRegular() && filepath.Dir(rel) == "store/blobs" && len(d.Name()) == 64:
		case d.Type().IsRegular() && filepath.Dir(rel) == "store/images" && filepath.Ext(rel) == ".erofs":
		default:
			t.Errorf("found %s", rel)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

func TestPutLimits(t *testing.T) {
	t.Parallel()
	s := open(t, t.TempDir())
	_, err := s.Put(t.Context(), make([]byte, lambda.MaxZipFromS3Bytes+1))
	if lambda.KindOf(err) != lambda.KindEntityTooLarge {
		t.Errorf("too large: %v", err)
	}
	items := make([]item, 11)
	for i := range items {
		items[i].name = fmt.Sprint(i)
	}
	for _, tt := range []struct {
		name     string
		files    int
		unzipped int64
		ok       bool
	}{
		{"within", 11, 0, true},
		{"entries", 10, 0, false},
		{"headers before parsing", 5, 0, false},
	} {
		if err := code.CheckWithin(t.Context(), pack(t, items...), tt.files, tt.unzipped); (err == nil) != tt.ok {
			t.Errorf("%s: %v", tt.name, err)
		}
	}
	exact := pack(t, item{name: "a", content: strings.Repeat("x", 60)}, item{name: "b", content: strings.Repeat("y", 40)})
	if err := code.CheckWithin(t.Context(), exact, 10, 100); err != nil {
		t.Errorf("exactly the limit: %v", err)
	}
	if err := code.CheckWithin(t.Context(), exact, 10, 99); err == nil || !strings.HasPrefix(err.Error(), "Unzipped size must be smaller") {
		t.Errorf("one over the limit: %v", err)
	}
}

// A bomb costs no more memory than its packed bytes and buffers.
func TestBombIsBounded(t *testing.T) {
	t.Parallel()
	const size = 40_000_000 // unpacked; 40 kB packed
	bomb := pack(t, item{name: "bomb", content: strings.Repeat("\x00", size)})
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if err := code.CheckWithin(t.Context(), bomb, 10, size-1); err == nil {
		t.Error("accepted")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 8<<20 {
		t.Errorf("%d bytes allocated", used)
	}
}

func TestPutStopsWithItsContext(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := open(t, filepath.Join(dir, "store"))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.Put(ctx, pack(t, item{name: "f", content: "x"})); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	onlyStore(t, dir)
}
