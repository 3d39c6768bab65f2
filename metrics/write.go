package metrics

import (
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/pool"
)

// ContentType is that of what Write writes. Source: Prometheus, "Exposition formats", text format 0.0.4.
const ContentType = "text/plain; version=0.0.4; charset=utf-8"

// maxStocks bounds the time series of stocks; a host has a handful.
const maxStocks = 64

// maxLabelBytes bounds a label value that is not out of a closed list.
const maxLabelBytes = 64

// Write writes every metric in Prometheus' text format. status is what the pool holds now.
func (m *Metrics) Write(w io.Writer, status pool.Status) error {
	s := scrape{m: m, status: &status, process: ReadProcess(), out: make([]byte, 0, 48<<10)}
	s.sums.of(&status)
	for i := range families {
		s.family = &families[i]
		s.text("# HELP ", s.family.Name, " ", s.family.Help, "\n# TYPE ", s.family.Name, " ", s.family.Type, "\n")
		s.family.samples(&s)
	}
	_, err := w.Write(s.out)
	return err
}

// scrape is one Write.
type scrape struct {
	m       *Metrics
	status  *pool.Status
	process Process
	sums    sums
	family  *Family
	events  *Events // see queued
	disk    *Disk   // see onDisk
	out     []byte
}

func (s *scrape) text(parts ...string) {
	for _, p := range parts {
		s.out = append(s.out, p...)
	}
}

// sample writes one line: the family's name with a suffix, a value for each of its labels, and for one more the name and
// value of a further label.
func (s *scrape) sample(suffix string, value float64, labels ...string) {
	s.text(s.family.Name, suffix)
	for i, v := range labels {
		name := "le"
		if i < len(s.family.Labels) {
			name = s.family.Labels[i].Name
		}
		before := ","
		if i == 0 {
			before = "{"
		}
		s.text(before, name, `="`, labelValue(v), `"`)
	}
	if len(labels) > 0 {
		s.text("}")
	}
	s.out = append(s.out, ' ')
	s.out = strconv.AppendFloat(s.out, value, 'f', -1, 64)
	s.out = append(s.out, '\n')
}

func (s *scrape) value(v float64) { s.sample("", v) }

// counters writes every combination of labels, those with "other" only if something was counted there.
func (s *scrape) counters(c *counters) {
	c.cells.each(func(i int, labels []string) {
		if n := c.counts[i].Load(); n > 0 || !slices.Contains(labels, other) {
			s.sample("", float64(n), labels...)
		}
	})
}

// histograms does the same with histograms. The count is the sum of the buckets, so that they always agree.
func (s *scrape) histograms(h *histograms) {
	h.cells.each(func(i int, labels []string) {
		cell := &h.cell[i]
		if slices.Contains(labels, other) && cell.count() == 0 {
			return
		}
		sum, n := time.Duration(cell.sum.Load()), int64(0)
		for b := range cell.buckets {
			n += cell.buckets[b].Load()
			le := "+Inf"
			if b < len(h.bounds) {
				le = strconv.FormatFloat(h.bounds[b].Seconds(), 'g', -1, 64)
			}
			s.sample("_bucket", float64(n), append(labels, le)...)
		}
		s.sample("_sum", sum.Seconds(), labels...)
		s.sample("_count", float64(n), labels...)
	})
}

func (s *scrape) perStock(value func(*pool.StockStatus) int64) {
	for i := range s.sums.stocks {
		st := &s.sums.stocks[i]
		s.sample("", float64(value(st)), string(st.Kind), st.Runtime, st.Engine)
	}
}

// perEngine writes a sum for each engine, that of others only if it is something.
func (s *scrape) perEngine(b *[4]int64) {
	for i, engine := range engines {
		if b[i] > 0 || engine != other {
			s.sample("", float64(b[i]), engine)
		}
	}
}

// byState holds a sum for each state of environments, provisioned or not.
type byState [5][2]int64 // indexed as states and provisioned

func (s *scrape) sum(b *byState) {
	for i, state := range states {
		for j, p := range provisioned {
			if b[i][j] > 0 || state != other {
				s.sample("", float64(b[i][j]), state, p)
			}
		}
	}
}

// sums are what a scrape adds up over a pool.Status.
type sums struct {
	waiting                      int
	environments, reserved, used byState
	isolated, isolatedBytes      [4]int64           // indexed as engines
	stocks                       []pool.StockStatus // at most maxStocks; one for all sizes of memory
}

func (s *sums) of(status *pool.Status) {
	for _, w := range status.Waiting {
		s.waiting += w.Callers
	}
	for i := range status.Environments {
		e := &status.Environments[i]
		state, p := states.index(string(e.State)), 0
		if e.Provisioned {
			p = 1
		}
		s.environments[state][p]++
		s.reserved[state][p] += e.ReservedBytes
		s.used[state][p] += e.UsedBytes
		if e.State != pool.StateStarting {
			engine := engines.index(e.Engine)
			s.isolated[engine]++
			s.isolatedBytes[engine] += e.ReservedBytes
		}
	}
	s.addStocks(status.Stocks)
}

// addStocks adds up the stocks that differ in their slots' memory only.
func (s *sums) addStocks(all []pool.StockStatus) {
	for i := range all {
		st := &all[i]
		at := slices.IndexFunc(s.stocks, func(x pool.StockStatus) bool {
			return x.Kind == st.Kind && x.Runtime == st.Runtime && x.Engine == st.Engine
		})
		switch {
		case at >= 0:
			sum := &s.stocks[at]
			sum.Ready, sum.Filling, sum.Target = sum.Ready+st.Ready, sum.Filling+st.Filling, sum.Target+st.Target
			sum.ReservedBytes += st.ReservedBytes
			sum.Taken, sum.Missed, sum.Drained = sum.Taken+st.Taken, sum.Missed+st.Missed, sum.Drained+st.Drained
		case len(s.stocks) < maxStocks:
			s.stocks = append(s.stocks, *st)
		}
	}
}

var labelEscapes = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)

// labelValue makes v fit for the text format.
func labelValue(v string) string {
	if len(v) > maxLabelBytes {
		v = v[:maxLabelBytes]
	}
	return labelEscapes.Replace(strings.ToValidUTF8(v, "?"))
}
