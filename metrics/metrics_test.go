package metrics_test

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/metrics"
	"thaw.dev/thaw/pool"
)

// scrape returns the samples of one page by name and labels.
func scrape(t *testing.T, m *metrics.Metrics, status pool.Status) map[string]float64 {
	t.Helper()
	var page bytes.Buffer
	if err := m.Write(&page, status); err != nil {
		t.Fatal(err)
	}
	samples := map[string]float64{}
	for line := range strings.Lines(page.String()) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		i := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[i:]), 64)
		if _, again := samples[line[:i]]; err != nil || again {
			t.Errorf("line %q: %v, there before: %v", line, err, again)
		}
		samples[line[:i]] = v
	}
	return samples
}

func expect(t *testing.T, got, want map[string]float64) {
	t.Helper()
	for name, v := range want {
		if g, ok := got[name]; !ok || g != v {
			t.Errorf("%s = %v (there: %v), want %v", name, g, ok, v)
		}
	}
}

func TestEventsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	cold := pool.Phases{Place: 4 * time.Millisecond, Code: time.Millisecond, Init: 8 * time.Second}
	for _, e := range []pool.Event{
		{Kind: pool.EventHit}, {Kind: pool.EventHit}, {Kind: pool.EventHandOver}, {Kind: pool.EventFrozen},
		{Kind: pool.EventColdStart, Source: pool.SourceHot, Cause: pool.CauseRequest, Phases: cold},
		{Kind: pool.EventColdStart, Source: pool.SourceHot, Cause: pool.CauseRequest, Phases: cold, Err: errors.New("x")},
		{Kind: pool.EventColdStart, Source: "moon", Cause: "boredom"},
		{Kind: pool.EventDestroyed, Cause: pool.CauseEvicted},
		{Kind: pool.EventThawed, Phases: pool.Phases{Place: 500 * time.Microsecond}},
		{Kind: pool.EventThrottled, Err: fmt.Errorf("pool: %w", pool.ErrScaling)},
		{Kind: pool.EventThrottled},
		{Kind: pool.EventStocked, Source: pool.SourceEmpty, Phases: pool.Phases{Place: 65 * time.Millisecond}},
		{Kind: pool.EventStocked, Source: pool.SourceEmpty, Err: errors.New("x")},
		{Kind: pool.EventSnapshot}, {Kind: pool.EventSnapshot, Err: errors.New("x")},
		{Kind: "unheard of"},
	} {
		m.Event(e)
	}
	got := scrape(t, m, pool.Status{})
	expect(t, got, map[string]float64{
		"thaw_hits_total": 2, "thaw_hand_overs_total": 1, "thaw_environment_freezes_total": 1,
		`thaw_cold_starts_total{source="hot",cause="request",result="ok"}`:      1,
		`thaw_cold_starts_total{source="hot",cause="request",result="failed"}`:  1,
		`thaw_cold_starts_total{source="none",cause="prewarm",result="ok"}`:     0,
		`thaw_cold_starts_total{source="other",cause="other",result="ok"}`:      1,
		`thaw_cold_start_seconds_bucket{source="hot",phase="place",le="0.003"}`: 0,
		`thaw_cold_start_seconds_bucket{source="hot",phase="place",le="0.005"}`: 1,
		`thaw_cold_start_seconds_bucket{source="hot",phase="place",le="+Inf"}`:  1,
		`thaw_cold_start_seconds_bucket{source="hot",phase="code",le="0.001"}`:  1, // bounds are inclusive
		`thaw_cold_start_seconds_sum{source="hot",phase="init"}`:                8,
		`thaw_cold_start_seconds_count{source="hot",phase="init"}`:              1,
		`thaw_environments_destroyed_total{cause="evicted"}`:                    1,
		`thaw_environment_thaw_seconds_sum`:                                     0.0005,
		`thaw_pool_refusals_total{cause="scaling_rate"}`:                        1,
		`thaw_pool_refusals_total{cause="other"}`:                               1,
		`thaw_slot_prepare_seconds_count{kind="empty"}`:                         1,
		`thaw_snapshots_made_total{result="ok"}`:                                1,
		`thaw_snapshots_made_total{result="failed"}`:                            1,
	})
	for name := range got {
		if strings.Contains(name, `cause="other",result="failed"`) || strings.Contains(name, `kind="other"`) {
			t.Errorf("%s is written without a count", name)
		}
	}
}

func TestInvocationsAreCounted(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for _, i := range []metrics.Invocation{
		{Outcome: metrics.OutcomeOK, Wait: 3 * time.Millisecond, Duration: 40 * time.Millisecond},
		{Outcome: metrics.OutcomeTimeout, Duration: time.Second},
		{Outcome: metrics.OutcomeThrottled, Reason: "CallerRateLimitExceeded", Wait: time.Second},
		{Outcome: metrics.OutcomeThrottled, Reason: "ate too much"},
		{Outcome: metrics.OutcomeRefused}, {Outcome: metrics.OutcomeAbandoned, Wait: time.Second}, {Outcome: metrics.OutcomeInternal},
		{Outcome: "exploded"},
	} {
		m.Observe(i)
	}
	expect(t, scrape(t, m, pool.Status{}), map[string]float64{
		`thaw_invocations_total{outcome="ok"}`:             1,
		`thaw_invocations_total{outcome="function_error"}`: 0,
		`thaw_invocations_total{outcome="timeout"}`:        1,
		`thaw_invocations_total{outcome="throttled"}`:      2,
		`thaw_invocations_total{outcome="refused"}`:        1,
		`thaw_invocations_total{outcome="abandoned"}`:      1,
		`thaw_invocations_total{outcome="internal"}`:       1, `thaw_invocations_total{outcome="other"}`: 1, `thaw_throttles_total{reason="other"}`: 1,
		`thaw_throttles_total{reason="CallerRateLimitExceeded"}`:           1,
		`thaw_throttles_total{reason="ConcurrentInvocationLimitExceeded"}`: 0,
		`thaw_invocation_seconds_count`:                                    2,
		`thaw_invocation_seconds_sum`:                                      1.04,
		`thaw_invocation_wait_seconds_count`:                               2,
		`thaw_invocation_wait_seconds_bucket{le="0.005"}`:                  2,
	})
}

func TestStatusIsSummedUp(t *testing.T) {
	t.Parallel()
	hostile := "a\"b\\c\nd\xff" + strings.Repeat("x", 100)
	status := pool.Status{
		Engine: "gvisor", Engines: []pool.EngineStatus{{Name: "gvisor"}, {Name: "microvm", Monitor: "qemu", Accelerator: "tcg"}}, BudgetBytes: 1000, ReservedBytes: 600,
		Environments: []pool.EnvironmentStatus{
			{Function: hostile, State: pool.StateFrozen, ReservedBytes: 100, UsedBytes: 30},
			{State: pool.StateFrozen, Engine: "microvm", ReservedBytes: 100, UsedBytes: 40},
			{State: pool.StateBusy, Engine: "microvm", Provisioned: true, ReservedBytes: 200},
			{State: pool.StateStarting},
			{State: "asleep", ReservedBytes: 1},
		},
		Stocks: []pool.StockStatus{
			{Kind: pool.SourceHot, Runtime: "python3.11", Engine: "gvisor", Ready: 2, Filling: 1, Target: 3, ReservedBytes: 96, Taken: 7, Missed: 1, Drained: 2},
			{Kind: pool.SourceHot, Runtime: "python3.11", Engine: "microvm", MemoryMB: 512, Ready: 1, Target: 2, Missed: 3},
			{Kind: pool.SourceHot, Runtime: "python3.11", Engine: "microvm", MemoryMB: 2048, Ready: 4, Target: 4},
			{Kind: pool.SourceEmpty, Runtime: hostile},
		},
		Waiting:   []pool.WaitingStatus{{Callers: 2}, {Callers: 3}},
		Snapshots: pool.SnapshotStatus{Count: 4, Bytes: 5},
	}
	hot := `{kind="hot",runtime="python3.11",engine="gvisor"}`
	machines := `{kind="hot",runtime="python3.11",engine="microvm"}`
	got := scrape(t, metrics.New(), status)
	expect(t, got, map[string]float64{
		`thaw_environments{state="frozen",provisioned="false"}`:                       2,
		`thaw_environments{state="busy",provisioned="true"}`:                          1,
		`thaw_environments{state="idle",provisioned="false"}`:                         0,
		`thaw_environments{state="other",provisioned="false"}`:                        1,
		`thaw_environment_reserved_bytes{state="frozen",provisioned="false"}`:         200,
		`thaw_environment_used_bytes{state="frozen",provisioned="false"}`:             70,
		"thaw_memory_budget_bytes":                                                    1000,
		"thaw_memory_reserved_bytes":                                                  600,
		`thaw_slots{kind="hot",runtime="python3.11",engine="gvisor",state="ready"}`:   2,
		`thaw_slots{kind="hot",runtime="python3.11",engine="gvisor",state="filling"}`: 1,
		`thaw_slots{kind="hot",runtime="python3.11",engine="microvm",state="ready"}`:  5,
		"thaw_slots_target" + machines:                                                6, "thaw_slots_missed_total" + machines: 3,
		`thaw_engine_environments{engine="gvisor"}`: 0, `thaw_engine_environments{engine="microvm"}`: 2, `thaw_engine_environments{engine="other"}`: 2,
		`thaw_engine_environment_reserved_bytes{engine="microvm"}`:    300,
		`thaw_engine_info{engine="gvisor",monitor="",accelerator=""}`: 1, `thaw_engine_info{engine="microvm",monitor="qemu",accelerator="tcg"}`: 1,
		"thaw_slots_target" + hot: 3, "thaw_slot_reserved_bytes" + hot: 96,
		"thaw_slots_taken_total" + hot: 7, "thaw_slots_missed_total" + hot: 1, "thaw_slots_drained_total" + hot: 2,
		`thaw_slots_target{kind="empty",runtime="a\"b\\c\nd?` + strings.Repeat("x", 56) + `",engine=""}`: 0,
		"thaw_waiting_callers": 5, "thaw_waiting_functions": 2, "thaw_snapshots": 4, "thaw_snapshot_bytes": 5,
	})
	for _, name := range []string{
		"process_start_time_seconds", "process_cpu_seconds_total", "process_resident_memory_bytes", "process_open_fds",
		"process_max_fds", "go_goroutines", "go_memstats_heap_alloc_bytes",
	} {
		if got[name] <= 0 {
			t.Errorf("%s = %v", name, got[name])
		}
	}
}

// TestPageIsAsAnnounced holds each page against the table of families: heads, labels, buckets that add up, and a number of
// time series that what happened does not raise beyond a bound.
func TestPageIsAsAnnounced(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	status := pool.Status{Engines: []pool.EngineStatus{{Name: "fake"}}}
	for i := range 1000 {
		status.Stocks = append(status.Stocks, pool.StockStatus{Kind: pool.SourceHot, Runtime: strconv.Itoa(i)})
		name := fmt.Sprint("function-", i)
		status.Environments = append(status.Environments, pool.EnvironmentStatus{Function: name, Account: name, State: pool.EnvironmentState(name)})
		status.Waiting = append(status.Waiting, pool.WaitingStatus{Function: name})
		for _, kind := range []pool.EventKind{pool.EventColdStart, pool.EventDestroyed, pool.EventHit, pool.EventStocked} {
			m.Event(pool.Event{Kind: kind, Function: name, Cause: pool.Cause(name), Source: pool.Source(name), Runtime: name})
		}
		m.Observe(metrics.Invocation{Outcome: metrics.OutcomeThrottled, Reason: name})
	}
	var page bytes.Buffer
	if err := m.Write(&page, status); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(page.String(), "function-") {
		t.Error("a function's name became a label")
	}
	if n := len(scrape(t, m, status)); n > 1500 {
		t.Errorf("%d time series", n)
	}
	rest := page.String()
	for _, f := range metrics.Families() {
		head := "# HELP " + f.Name + " " + f.Help + "\n# TYPE " + f.Name + " " + f.Type + "\n"
		after, found := strings.CutPrefix(rest, head)
		if !found {
			t.Fatalf("want the head of %s at %.80q", f.Name, rest)
		}
		rest = after
		lines := 0
		for strings.HasPrefix(rest, f.Name) {
			var line string
			line, rest, _ = strings.Cut(rest, "\n")
			lines++
			at := 0
			for _, l := range f.Labels {
				i := strings.Index(line, l.Name+`="`)
				if i < at {
					t.Errorf("%s: want label %s", line, l.Name)
				}
				at = i
			}
		}
		if lines == 0 {
			t.Errorf("%s has no samples", f.Name)
		}
		if counter := f.Type == "counter"; counter != strings.HasSuffix(f.Name, "_total") {
			t.Errorf("%s is a %s", f.Name, f.Type)
		}
	}
	if rest != "" {
		t.Errorf("more than the table says: %.80q", rest)
	}
}

func TestRecentForgets(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		m := metrics.New()
		start := func(source pool.Source, place time.Duration) {
			m.Event(pool.Event{Kind: pool.EventColdStart, Source: source, Phases: pool.Phases{Place: place, Code: place * 2, Init: place * 3}})
		}
		if r := m.Recent(); r == nil || len(r) > 0 {
			t.Errorf("at first: %v", r)
		}
		start(pool.SourceNone, time.Second)
		time.Sleep(metrics.RecentWindow - time.Second)
		for i := range 5 {
			start(pool.SourceHot, time.Duration(5-i)*time.Millisecond)
		}
		hot := metrics.ColdStarts{Source: pool.SourceHot, Count: 5, PlaceMS: 3, CodeMS: 6, InitMS: 9}
		if r := m.Recent(); len(r) != 2 || r[0] != hot || r[1].Source != pool.SourceNone {
			t.Errorf("got %+v", r)
		}
		time.Sleep(2 * time.Second)
		if r := m.Recent(); len(r) != 1 || r[0] != hot {
			t.Errorf("got %+v", r)
		}
		for range 600 {
			start(pool.SourceEmpty, time.Millisecond)
		}
		if r := m.Recent(); len(r) != 1 || r[0].Source != pool.SourceEmpty || r[0].Count != 512 {
			t.Errorf("got %+v", r)
		}
	})
}

func TestTotals(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	for _, cause := range []pool.Cause{pool.CauseRequest, pool.CauseProvisioned, pool.CausePrewarm, pool.CauseSnapshot, ""} {
		m.Event(pool.Event{Kind: pool.EventColdStart, Source: pool.SourceHot, Cause: cause})
	}
	m.Event(pool.Event{Kind: pool.EventThawed})
	totals := m.Totals()
	if totals.Misses() != 2 || totals.Thaws != 1 || totals.ColdResults["ok"] != 5 {
		t.Errorf("got %d misses of %+v", totals.Misses(), totals)
	}
	if want := map[string]int64{"hot": 5, "snapshot": 0, "empty": 0, "none": 0, "other": 0}; !maps.Equal(totals.ColdStarts, want) {
		t.Errorf("got %v", totals.ColdStarts)
	}
}

// TestConcurrentUse loses nothing while others read.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	m := metrics.New()
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				m.Event(pool.Event{Kind: pool.EventHit})
				m.Event(pool.Event{Kind: pool.EventColdStart, Source: pool.SourceHot, Cause: pool.CauseRequest})
				m.Observe(metrics.Invocation{Outcome: metrics.OutcomeOK, Duration: time.Second})
			}
		})
		wg.Go(func() {
			for range 5 {
				_ = m.Write(&bytes.Buffer{}, pool.Status{})
				_, _ = m.Recent(), m.Totals()
			}
		})
	}
	wg.Wait()
	expect(t, scrape(t, m, pool.Status{}), map[string]float64{
		"thaw_hits_total": 8000, "thaw_invocation_seconds_sum": 8000, "thaw_invocation_seconds_count": 8000,
		`thaw_cold_starts_total{source="hot",cause="request",result="ok"}`: 8000,
	})
}
