package functions_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

func TestLayers(t *testing.T) {
	t.Parallel()
	s := thawtest.Start(t, nil)
	t.Run("Python", func(t *testing.T) {
		t.Parallel()
		runtime := thawtest.Python(t)
		first := s.Layer(t, "py-first", thawtest.Files{
			"python/who.py": "name = 'first'\n", "python/pkg/__init__.py": "from . import part\n", "python/pkg/part.py": "value = 'package'\n",
			"bin/layer-tool*": "#!/bin/sh\necho tool of the layer\n", "lib/libfromlayer.so": thawtest.Library(t),
		})
		second := s.Layer(t, "py-second", thawtest.Files{
			"python/who.py": "name = 'second'\n", "python/lib/" + runtime + "/site-packages/deep.py": "value = 'site-packages'\n",
		})
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "app.handler", Layers: []string{first, second}, Files: thawtest.Files{"app.py": `
import ctypes, errno, os, subprocess
import deep, pkg.part, who
def handler(e, c):
    try:
        open("/opt/new", "w")
    except OSError as error:
        refused = errno.errorcode[error.errno]
    return [who.name, deep.value, pkg.part.value, subprocess.check_output(["layer-tool"]).decode().strip(),
            hasattr(ctypes.CDLL("libfromlayer.so"), "crc32"), refused, sorted(os.listdir("/opt"))]
`}})
		want := `["second", "site-packages", "package", "tool of the layer", true, "EROFS", ["bin", "lib", "python"]]`
		for range 2 {
			if out := s.Call(t, name, `{}`); string(out.Payload) != want {
				t.Fatalf("got %s\n%s", out.Payload, out.LogTail)
			}
		}
		layers := []string{second, first}
		if _, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{Layers: &layers}); err != nil {
			t.Fatal(err)
		}
		if _, err := s.WaitActive(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		if out := s.Call(t, name, `{}`); !strings.HasPrefix(string(out.Payload), `["first", `) {
			t.Errorf("in the other order: %s\n%s", out.Payload, out.LogTail)
		}
		if _, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{Layers: new([]string{})}); err != nil {
			t.Fatal(err)
		}
		if c, err := s.WaitActive(t.Context(), name); err != nil || len(c.Layers) != 0 {
			t.Fatalf("layers %v (%v)", c.Layers, err)
		}
		if f := s.Fails(t, name, `{}`); f.Type != "Runtime.ImportModuleError" {
			t.Errorf("without layers: %s", f.Raw)
		}
	})
	t.Run("Node.js", func(t *testing.T) {
		t.Parallel()
		runtime := thawtest.Node(t)
		own := "node" + strings.TrimSuffix(strings.TrimPrefix(runtime, "nodejs"), ".x")
		l := s.Layer(t, "node", thawtest.Files{
			"nodejs/node_modules/common/index.js": "module.exports = 'common'\n", "nodejs/node_modules/which/index.js": "module.exports = 'any'\n",
			"nodejs/" + own + "/node_modules/which/index.js": "module.exports = 'own'\n",
		})
		name := s.Deploy(t, thawtest.Function{Runtime: runtime, Handler: "index.handler", Layers: []string{l}, Files: thawtest.Files{
			"index.js": "const common = require('common'), which = require('which')\nexports.handler = async () => [common, which]\n",
		}})
		if out := s.Call(t, name, `{}`); string(out.Payload) != `["common","own"]` {
			t.Errorf("got %s\n%s", out.Payload, out.LogTail)
		}
	})
	t.Run("custom runtime in a layer", func(t *testing.T) {
		t.Parallel()
		l := s.Layer(t, "custom", shell(`  printf '"%s %s"' "$(cat /var/task/word)" "$0"`))
		name := s.Deploy(t, thawtest.Function{Runtime: "provided.al2023", Handler: "x", Layers: []string{l}, Files: thawtest.Files{"word": "task"}})
		if out := s.Call(t, name, `{}`); string(out.Payload) != `"task /opt/bootstrap"` {
			t.Errorf("got %s\n%s", out.Payload, out.LogTail)
		}
	})
}

// A function goes on with a layer version that was deleted, also in a new server, and when the layers' image is gone.
func TestDeletedLayerVersionStillWorks(t *testing.T) {
	t.Parallel()
	dir, name := filepath.Join(t.TempDir(), "data"), ""
	there := func(c *node.Config) { c.DataDir = dir }
	t.Run("before", func(t *testing.T) { // its end stops the server
		s := thawtest.Start(t, there)
		l := s.Layer(t, "gone", thawtest.Files{"python/kept.py": "value = 'kept'\n"})
		name = s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Layers: []string{l}, Files: thawtest.Files{
			"app.py": "import kept\ndef handler(e, c): return kept.value\n",
		}})
		if err := s.DeleteLayerVersion(t.Context(), "gone", 1); err != nil {
			t.Fatal(err)
		}
		if out := s.Call(t, name, `{}`); string(out.Payload) != `"kept"` {
			t.Errorf("got %s\n%s", out.Payload, out.LogTail)
		}
	})
	if err := os.RemoveAll(filepath.Join(dir, "code", "images")); err != nil {
		t.Fatal(err)
	}
	s := thawtest.Start(t, there)
	if out := s.Call(t, name, `{}`); string(out.Payload) != `"kept"` {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	}
	if v, err := s.PublishLayerVersion(t.Context(), "gone", thawtest.Zip(t, thawtest.Files{"a": "b"})); err != nil || v.Version != 2 {
		t.Errorf("published version %d (%v)", v.Version, err)
	}
}
