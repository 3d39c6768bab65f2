package node_test

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/code"
	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/ops"
)

// packageOf is a zip with a file called bootstrap, and its digest.
func packageOf(t *testing.T, content string) (archive []byte, sha string) {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("bootstrap")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.Write([]byte(content)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(b.Bytes())
	return b.Bytes(), hex.EncodeToString(sum[:])
}

// restart closes a server, makes all packages older than their time of grace, and starts it again.
func restart(t *testing.T, c node.Config, n *node.Node) (*node.Node, *client.Client) {
	t.Helper()
	if n != nil {
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}
		blobs, err := filepath.Glob(filepath.Join(c.DataDir, "code", "blobs", "*"))
		if err != nil {
			t.Fatal(err)
		}
		old := time.Now().Add(-2 * code.GraceTime)
		for _, name := range blobs {
			if err := os.Chtimes(name, old, old); err != nil {
				t.Fatal(err)
			}
		}
	}
	n, err := node.Open(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.Close() })
	o, err := client.FromDataDir(c.DataDir, "http://"+n.Addr())
	if err != nil {
		t.Fatal(err)
	}
	cl, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cl.Close)
	return n, cl
}

// A start deletes the packages that nothing refers to: not those of functions, of their versions, or of layers, also deleted ones
// that a function still has.
func TestPackagesNobodyNeedsAreDeleted(t *testing.T) {
	t.Parallel()
	testenv.NeedsRoot(t)
	c := config(t)
	n, cl := restart(t, c, nil)
	shas := map[string]string{}
	zipped := func(name string) []byte {
		archive, sha := packageOf(t, name)
		shas[name] = sha
		return archive
	}
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	active := func() {
		t.Helper()
		_, err := cl.WaitActive(t.Context(), "f")
		must(err)
	}
	used, err := cl.PublishLayerVersion(t.Context(), "used", zipped("layer in use"))
	must(err)
	_, err = cl.PublishLayerVersion(t.Context(), "unused", zipped("layer"))
	must(err)
	gone, err := cl.PublishLayerVersion(t.Context(), "gone", zipped("deleted layer"))
	must(err)
	must(cl.DeleteLayerVersion(t.Context(), "gone", int(gone.Version)))
	_, err = cl.CreateFunction(t.Context(), client.CreateFunctionInput{
		FunctionName: "f", Runtime: "provided.al2023", Handler: "x", Role: "arn:aws:iam::000000000000:role/r",
		Code: client.CodeInput{ZipFile: zipped("first")}, Layers: []string{used.LayerVersionArn},
	})
	must(err)
	active()
	must(cl.DeleteLayerVersion(t.Context(), "used", int(used.Version)))
	_, err = cl.UpdateFunctionCode(t.Context(), "f", zipped("published"))
	must(err)
	active()
	_, err = cl.PublishVersion(t.Context(), "f")
	must(err)
	_, err = cl.UpdateFunctionCode(t.Context(), "f", zipped("latest"))
	must(err)
	active()

	check := func(left string) {
		t.Helper()
		for name, sha := range shas {
			_, err := os.Stat(filepath.Join(c.DataDir, "code", "blobs", sha))
			if want := strings.Contains(left, "["+name+"]"); (err == nil) != want {
				t.Errorf("%s: there should be one: %v, %v", name, want, err)
			}
		}
	}
	check("[layer in use][layer][deleted layer][first][published][latest]")
	n, cl = restart(t, c, n)
	check("[layer in use][layer][published][latest]")
	report := func() *ops.Report {
		t.Helper()
		o := ops.NewClient(c.DataDir)
		defer o.Close()
		r, err := o.Report(t.Context())
		must(err)
		return r
	}
	if d := report().Disk; d == nil || d.Packages != 4 || d.PackageBytes == 0 || d.FreedBytes == 0 || d.FreeBytes == 0 || d.StoreBytes == 0 {
		t.Errorf("on disk: %+v", d)
	}
	if e := report().Events; e == nil || e.Due != 0 {
		t.Errorf("events: %+v", e)
	}
	must(cl.DeleteFunction(t.Context(), "f"))
	restart(t, c, n)
	check("[layer]")
	images, err := filepath.Glob(filepath.Join(c.DataDir, "code", "images", "*.erofs"))
	if err != nil || len(images) > 0 {
		t.Errorf("images of nothing: %v, %v", images, err)
	}
}
