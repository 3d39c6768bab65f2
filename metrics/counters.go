package metrics

import (
	"slices"
	"sync/atomic"
	"time"
)

// other is the last value of labels that others report: whatever is none of those known.
const other = "other"

// values are those a label can have.
type values []string

// index is the place of v, the last if v is none of them.
func (vs values) index(v string) int {
	last := len(vs) - 1
	for i, x := range vs[:last] {
		if x == v {
			return i
		}
	}
	return last
}

// cells finds the place of a combination of label values.
type cells []values

func (c cells) count() int {
	n := 1
	for _, vs := range c {
		n *= len(vs)
	}
	return n
}

func (c cells) index(labels []string) int {
	i := 0
	for n, vs := range c {
		i = i*len(vs) + vs.index(labels[n])
	}
	return i
}

// each calls f with every combination, in order of index. The slice is valid during the call.
func (c cells) each(f func(i int, labels []string)) {
	labels := make([]string, len(c))
	for i := range c.count() {
		rest := i
		for n, vs := range slices.Backward(c) {
			labels[n] = vs[rest%len(vs)]
			rest /= len(vs)
		}
		f(i, labels)
	}
}

// counters count events by labels.
type counters struct {
	cells  cells
	counts []atomic.Int64
}

func newCounters(labels ...values) *counters {
	c := &counters{cells: labels}
	c.counts = make([]atomic.Int64, c.cells.count())
	return c
}

// add counts one; it needs a value for each label.
func (c *counters) add(labels ...string) { c.counts[c.cells.index(labels)].Add(1) }

// by returns the counts by one label, summed over the others.
func (c *counters) by(label int) map[string]int64 {
	m := map[string]int64{}
	c.cells.each(func(i int, labels []string) { m[labels[label]] += c.counts[i].Load() })
	return m
}

// histograms count durations by labels.
type histograms struct {
	bounds []time.Duration // upper, inclusive, ascending
	cells  cells
	cell   []histogram
}

type histogram struct {
	buckets []atomic.Int64 // one for each bound and one beyond
	sum     atomic.Int64   // ns
}

func newHistograms(bounds []time.Duration, labels ...values) *histograms {
	h := &histograms{bounds: bounds, cells: labels}
	h.cell = make([]histogram, h.cells.count())
	for i := range h.cell {
		h.cell[i].buckets = make([]atomic.Int64, len(bounds)+1)
	}
	return h
}

// observe counts d; it needs a value for each label.
func (h *histograms) observe(d time.Duration, labels ...string) {
	h.cell[h.cells.index(labels)].observe(h.bounds, d)
}

// observe counts d, what is less than zero as zero.
func (h *histogram) observe(bounds []time.Duration, d time.Duration) {
	d = max(d, 0)
	i, _ := slices.BinarySearch(bounds, d)
	h.buckets[i].Add(1)
	h.sum.Add(int64(d))
}

func (h *histogram) count() int64 {
	n := int64(0)
	for i := range h.buckets {
		n += h.buckets[i].Load()
	}
	return n
}

// millis makes durations of milliseconds.
func millis(ms ...float64) []time.Duration {
	out := make([]time.Duration, len(ms))
	for i, v := range ms {
		out[i] = time.Duration(v * float64(time.Millisecond))
	}
	return out
}
