package bench

import (
	"testing"
	"time"

	"thaw.dev/thaw/pool"
)

func TestOptions(t *testing.T) {
	t.Parallel()
	for name, err := range map[string]error{
		"warm without samples":         (&WarmOptions{N: -1}).check(),
		"warm with negative clients":   (&WarmOptions{N: 1, Concurrency: -1}).check(),
		"cold without a source":        (&ColdOptions{N: 1}).check(),
		"cold from who knows what":     (&ColdOptions{N: 1, From: "tepid"}).check(),
		"cold without samples":         (&ColdOptions{N: -1, From: pool.SourceHot}).check(),
		"cold with too much init":      (&ColdOptions{N: 1, From: pool.SourceSnapshot, InitTime: 10 * time.Second}).check(),
		"cold with negative init":      (&ColdOptions{N: 1, From: pool.SourceSnapshot, InitTime: -1}).check(),
		"too many samples":             (&RestoreOptions{N: maxSamples + 1}).check(),
		"burst of nothing":             (&BurstOptions{Width: -1, Rounds: 1}).check(),
		"burst without rounds":         (&BurstOptions{Width: 1, Rounds: -1}).check(),
		"hetero without functions":     (&HeteroOptions{Functions: -1, N: 1}).check(),
		"hetero without samples":       (&HeteroOptions{Functions: 1, N: -1}).check(),
		"no cycles":                    (&FreezeOptions{N: -1}).check(),
		"density of no runtime":        (&DensityOptions{Environments: 1}).check(),
		"density of no environments":   (&DensityOptions{Runtimes: []string{"python"}, Environments: -1}).check(),
		"backlog of nothing":           (&BacklogOptions{N: -1, MemoryMB: 128}).check(),
		"backlog without memory":       (&BacklogOptions{N: 1}).check(),
		"logs without samples":         (&LogsOptions{N: -1}).check(),
		"rss of no functions":          (&RSSOptions{N: -1}).check(),
		"rss that settles for ages":    (&RSSOptions{N: 1, Settle: time.Hour}).check(),
		"rss that settled in the past": (&RSSOptions{N: 1, Settle: -1}).check(),
	} {
		if err == nil {
			t.Errorf("%s: was accepted", name)
		}
	}
	w := WarmOptions{N: 1}
	if err := w.check(); err != nil || w.Concurrency < 1 {
		t.Errorf("got %+v, %v", w, err)
	}
	for _, from := range Sources {
		c := ColdOptions{N: 1, From: from}
		if err := c.check(); err != nil || c.InitTime != defaultInitTime {
			t.Errorf("from %s: %+v, %v", from, c, err)
		}
	}
}
