package runtimes

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// loaderCacheOf makes a cache as ldconfig does, with hardware variants where the hwcap is not zero.
func loaderCacheOf(entries ...struct {
	name, path string
	hwcap      uint64
}) []byte {
	const head, entry = 48, 24
	out := append([]byte("glibc-ld.so.cache1.1"), make([]byte, head-20)...)
	binary.NativeEndian.PutUint32(out[20:], uint32(len(entries)))
	strs := head + entry*len(entries)
	var table []byte
	for _, e := range entries {
		b := make([]byte, entry)
		binary.NativeEndian.PutUint32(b[4:], uint32(strs+len(table)))
		table = append(table, e.name+"\x00"...)
		binary.NativeEndian.PutUint32(b[8:], uint32(strs+len(table)))
		table = append(table, e.path+"\x00"...)
		binary.NativeEndian.PutUint64(b[16:], e.hwcap)
		out = append(out, b...)
	}
	return append(out, table...)
}

func TestLoaderCache(t *testing.T) {
	t.Parallel()
	type e = struct {
		name, path string
		hwcap      uint64
	}
	cache := loaderCacheOf(e{"libz.so.1", "/fast/libz.so.1", 1 << 62}, e{"libz.so.1", "/lib/libz.so.1", 0}, e{"libz.so.1", "/lib32/libz.so.1", 0}, e{"odd", "relative", 0})
	got := parseLoaderCache(append([]byte("ld.so-1.7.0 old format"), cache...))
	if len(got) != 1 || strings.Join(got["libz.so.1"], " ") != "/lib/libz.so.1 /lib32/libz.so.1" {
		t.Errorf("got %v", got)
	}
	for n := range cache {
		parseLoaderCache(cache[:n]) // must not fail on any truncation
	}
	data, err := os.ReadFile(loaderCache)
	if err != nil {
		t.Skip("needs /etc/ld.so.cache") // a musl host
	}
	if host := parseLoaderCache(data); len(host["libc.so.6"]) == 0 {
		t.Errorf("no libc.so.6 among %d names of this host", len(host))
	}
}

func FuzzLoaderCache(f *testing.F) {
	f.Add(loaderCacheOf(struct {
		name, path string
		hwcap      uint64
	}{"libz.so.1", "/lib/libz.so.1", 0}))
	f.Fuzz(func(t *testing.T, data []byte) {
		for name, paths := range parseLoaderCache(data) {
			for _, p := range paths {
				if name == "" || !filepath.IsAbs(p) {
					t.Errorf("%q: %q", name, p)
				}
			}
		}
	})
}

func TestExternalModules(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	program := filepath.Join(dir, "node")
	// One name lies across the border between two reads; none of them exists but those of this host, if any.
	content := strings.Repeat("x", 1<<20+300) + "/usr/share/nodejs/undici/undici-fetch.js\x00" + strings.Repeat("y", 1<<20)
	if err := os.WriteFile(program, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
	var want []string
	if _, err := os.Stat("/usr/share/nodejs/undici/undici-fetch.js"); err == nil {
		want = append(want, "/usr/share/nodejs/undici/undici-fetch.js")
	}
	got, err := externalModules(program)
	if err != nil || strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("got %v (%v), want %v", got, err, want)
	}
	if m := modulePath.FindAllString(content, -1); len(m) != 1 || m[0] != "/usr/share/nodejs/undici/undici-fetch.js" {
		t.Errorf("names %v", m)
	}
}
