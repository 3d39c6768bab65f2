package metrics

import (
	"slices"
	"sync"
	"time"

	"thaw.dev/thaw/pool"
)

const (
	// RecentWindow is how far back Recent looks.
	RecentWindow = 5 * time.Minute
	// recentStarts is how many cold starts are remembered at most.
	recentStarts = 512
)

// ColdStarts sums up the successful cold starts of one source within RecentWindow, the last 512 of all sources at most.
type ColdStarts struct {
	Source pool.Source `json:"source"`
	Count  int         `json:"count"`
	// Medians of the phases, in milliseconds.
	PlaceMS float64 `json:"place_ms"`
	CodeMS  float64 `json:"code_ms"`
	InitMS  float64 `json:"init_ms"`
}

type coldStart struct {
	at     time.Time
	source int // index in sources
	phases pool.Phases
}

// recent remembers the last cold starts.
type recent struct {
	mu   sync.Mutex
	ring [recentStarts]coldStart
	next int
}

func (r *recent) add(c coldStart) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ring[r.next] = c
	r.next = (r.next + 1) % recentStarts
}

// Recent sums up the last cold starts, one element for each source that had any, the fastest source first.
func (m *Metrics) Recent() []ColdStarts {
	since := time.Now().Add(-RecentWindow)
	var by [5]struct{ place, code, init []time.Duration } // indexed as sources
	m.recent.mu.Lock()
	for i := range m.recent.ring {
		if c := &m.recent.ring[i]; c.at.After(since) {
			s := &by[c.source]
			s.place = append(s.place, c.phases.Place)
			s.code = append(s.code, c.phases.Code)
			s.init = append(s.init, c.phases.Init)
		}
	}
	m.recent.mu.Unlock()
	all := []ColdStarts{}
	for i, s := range by {
		if len(s.place) > 0 {
			all = append(all, ColdStarts{
				Source: pool.Source(sources[i]), Count: len(s.place),
				PlaceMS: median(s.place), CodeMS: median(s.code), InitMS: median(s.init),
			})
		}
	}
	return all
}

// median is the lower median of ds in milliseconds; ds must not be empty and is sorted.
func median(ds []time.Duration) float64 {
	slices.Sort(ds)
	return float64(ds[(len(ds)-1)/2].Microseconds()) / 1000
}
