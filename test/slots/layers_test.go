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
