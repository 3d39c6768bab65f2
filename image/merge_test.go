package image_test

import (
	"io"
	"io/fs"
	"strings"
	"testing"

	"thaw.dev/thaw/image"
)

func TestMerge(t *testing.T) {
	t.Parallel()
	build := func(add func(*image.Tree) error) *image.Tree {
		tree := image.NewTree()
		if err := add(tree); err != nil {
			t.Fatal(err)
		}
		return tree
	}
	files := func(names ...string) func(*image.Tree) error {
		return func(tree *image.Tree) error {
			for _, f := range names {
				name, content, _ := strings.Cut(f, "=")
				if err := tree.AddBytes(name, 0o644, []byte(content)); err != nil {
					return err
				}
			}
			return nil
		}
	}
	first := build(files("/bin/tool=one", "/lib/a=a", "/dir/x=x", "/dir/y=yy", "/file=f"))
	if err := first.AddDir("/bin", 0o700); err != nil {
		t.Fatal(err)
	}
	second := build(files("/bin/tool=three", "/lib/b=b", "/dir=now a file", "/file/inside=i"))
	if err := second.AddSymlink("/lib/c", "b"); err != nil {
		t.Fatal(err)
	}
	first.Merge(second)
	var got []string
	var entries int
	var bytes int64
	err := first.Walk(func(p string, e image.Entry) error {
		entries++
		line := p
		switch {
		case e.Mode.IsRegular():
			bytes += e.Size
			r, err := e.Open()
			if err != nil {
				return err
			}
			defer r.Close()
			b, err := io.ReadAll(r)
			if err != nil {
				return err
			}
			line += "=" + string(b)
		case e.Mode.Type() == fs.ModeSymlink:
			line += "->" + e.Target
		}
		got = append(got, line)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	const want = "/ /bin /bin/tool=three /dir=now a file /file /file/inside=i /lib /lib/a=a /lib/b=b /lib/c->b"
	if strings.Join(got, " ") != want {
		t.Errorf("got  %s\nwant %s", strings.Join(got, " "), want)
	}
	if first.Len() != entries || first.FileBytes() != bytes {
		t.Errorf("counts %d entries and %d bytes, there are %d and %d", first.Len(), first.FileBytes(), entries, bytes)
	}
	if e, _ := first.Lookup("/bin"); e.Mode.Perm() != 0o755 {
		t.Errorf("/bin has mode %v, want that of the later tree", e.Mode)
	}
}
