package node

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"thaw.dev/thaw/code"
	"thaw.dev/thaw/layer"
	"thaw.dev/thaw/store"
)

// collectEvery is the time between two collections of what no function needs any more.
const collectEvery = time.Hour

// collector deletes packages and images that no function and no layer needs any more.
type collector struct {
	functions *store.Functions
	layers    *layer.Layers
	packages  *code.Store
	log       *slog.Logger

	mu    sync.Mutex
	freed code.Freed // since the start; guarded by mu
}

// references are what is needed now. A function that is being updated needs what it serves with as well. Versions are read
// last: one that is published meanwhile has the package of a function that was seen, or is seen itself.
func (c *collector) references() code.References {
	var r code.References
	for _, code := range c.layers.Packages() {
		r.Add(code, nil)
	}
	for _, f := range c.functions.All() {
		r.Add(f.Config.Code.SHA256, f.Config.LayerDigests())
		if f.Serving != nil {
			r.Add(f.Serving.Code.SHA256, f.Serving.LayerDigests())
		}
	}
	for _, v := range c.functions.AllVersions() {
		r.Add(v.Config.Code.SHA256, v.Config.LayerDigests())
	}
	return r
}

// collect runs one collection; atOnce says that nothing else goes on.
func (c *collector) collect(ctx context.Context, atOnce bool) {
	begin := time.Now()
	freed, err := c.packages.GC(ctx, c.references(), atOnce)
	c.mu.Lock()
	c.freed.Packages += freed.Packages
	c.freed.Images += freed.Images
	c.freed.Bytes += freed.Bytes
	c.mu.Unlock()
	if freed != (code.Freed{}) {
		c.log.Info("code nobody needs was deleted", "packages", freed.Packages, "images", freed.Images, "bytes", freed.Bytes, "dur_ms", time.Since(begin).Milliseconds())
	}
	if err != nil && !errors.Is(err, context.Canceled) {
		c.log.Error("code nobody needs could not be deleted", "error", err)
	}
}

// total is what was deleted since the start.
func (c *collector) total() code.Freed {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.freed
}

// run collects until ctx ends.
func (c *collector) run(ctx context.Context) {
	tick := time.NewTicker(collectEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			c.collect(ctx, false)
		}
	}
}
