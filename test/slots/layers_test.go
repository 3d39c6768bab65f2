package slots_test

import (
	"testing"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// A snapshot has the layers in it, and each version has its own.
func TestSnapshotWithLayers(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.HotSlots = 0 })
	first := s.Layer(t, "l", thawtest.Files{"python/who.py": "name = 'first'\n", "data": "one"})
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Layers: []string{first}, Files: thawtest.Files{"app.py": `
import who
def handler(e, c):
    return [who.name, open("/opt/data").read()]
`}})
	if v := publish(t, s, name, true); v.State != "Active" || len(v.Layers) != 1 {
		t.Fatalf("%+v", v)
	}
	if out := s.Call(t, name+":1", `{}`); string(out.Payload) != `["first", "one"]` {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	}
	second := s.Layer(t, "l", thawtest.Files{"python/who.py": "name = 'second'\n", "data": "two"})
	if _, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{Layers: new([]string{second})}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	if v := publish(t, s, name, false); v.State != "Active" || v.Version != "2" {
		t.Fatalf("%+v", v)
	}
	if out := s.Call(t, name+":2", `{}`); string(out.Payload) != `["second", "two"]` {
		t.Errorf("got %s\n%s", out.Payload, out.LogTail)
	}
	es := environments(s.Status(), name)
	if len(es) != 2 || es[0].Source != pool.SourceSnapshot || es[1].Source != pool.SourceSnapshot {
		t.Errorf("started from %+v", es)
	}
}

// Libraries of the package and of layers are found, whatever the runtime's process has looked for before it had them.
func TestLibrariesWithHotSlots(t *testing.T) {
	s := thawtest.Start(t, func(c *node.Config) { c.HotSlots = 2 })
	handler := `
import ctypes
def handler(e, c):
    return hasattr(ctypes.CDLL("libown.so"), "crc32")
`
	library := thawtest.Library(t)
	fn := thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler"}
	packaged := fn
	packaged.Name = "packaged"
	packaged.Files = thawtest.Files{"app.py": handler, "lib/libown.so": library}
	layered := fn
	layered.Name = "layered"
	layered.Files = thawtest.Files{"app.py": handler}
	layered.Layers = []string{s.Layer(t, "libraries", thawtest.Files{"lib/libown.so": library})}
	for _, f := range []thawtest.Function{packaged, layered} {
		name := s.Deploy(t, f)
		await(t, s, "stocks are filled", stocked)
		if out := s.Call(t, name, `{}`); string(out.Payload) != "true" {
			t.Errorf("%s: %s", name, out.Payload)
		}
	}
}
