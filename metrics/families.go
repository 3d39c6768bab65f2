package metrics

import (
	"slices"

	"thaw.dev/thaw/pool"
)

// Types of a Family.
const (
	typeCounter   = "counter"
	typeGauge     = "gauge"
	typeHistogram = "histogram"
)

// Family describes one metric.
type Family struct {
	Name   string
	Type   string // "counter", "gauge" or "histogram"
	Labels []Label
	Help   string

	samples func(*scrape) // writes the family's samples
}

// Label is a label of a Family.
type Label struct {
	Name   string
	Values []string // all it can have; nil: the runtimes of this host, or facts about the build
}

// Families describes every metric, in the order they are written. The caller must not change it.
func Families() []Family { return families }

var families = slices.Concat(ownFamilies, eventFamilies, diskFamilies)

var ownFamilies = []Family{
	{
		"thaw_invocations_total", typeCounter, []Label{{"outcome", outcomes}},
		"Invocations that have ended.",
		func(s *scrape) { s.counters(s.m.invocations) },
	},
	{
		"thaw_invocation_seconds", typeHistogram, nil,
		"Time that a function ran, as its REPORT line says it.",
		func(s *scrape) { s.histograms(s.m.runs) },
	},
	{
		"thaw_invocation_wait_seconds", typeHistogram, nil,
		"Time from an invocation's admission until it had an execution environment.",
		func(s *scrape) { s.histograms(s.m.waits) },
	},
	{
		"thaw_throttles_total", typeCounter, []Label{{"reason", throttleReasons}},
		"Throttled invocations by the reason their callers were told.",
		func(s *scrape) { s.counters(s.m.throttles) },
	},
	{
		"thaw_pool_refusals_total", typeCounter, []Label{{"cause", refusals}},
		"Callers for whom the pool made no environment.",
		func(s *scrape) { s.counters(s.m.refused) },
	},
	{
		"thaw_hits_total", typeCounter, nil,
		"Idle environments that were taken for an invocation.",
		func(s *scrape) { s.value(float64(s.m.hits.Load())) },
	},
	{
		"thaw_hand_overs_total", typeCounter, nil,
		"Environments that went straight to a caller that waited for one.",
		func(s *scrape) { s.value(float64(s.m.handOvers.Load())) },
	},
	{
		"thaw_cold_starts_total", typeCounter, []Label{{"source", sources}, {"cause", coldCauses}, {"result", results}},
		"Cold starts that have ended. The result is failed, too, when the function's own init failed.",
		func(s *scrape) { s.counters(s.m.coldStarts) },
	},
	{
		"thaw_cold_start_seconds", typeHistogram, []Label{{"source", sources}, {"phase", phases}},
		"Time of each phase of successful cold starts. Phases overlap.",
		func(s *scrape) { s.histograms(s.m.coldPhases) },
	},
	{
		"thaw_engine_cold_start_seconds", typeHistogram, []Label{{"engine", engines}},
		"Time of successful cold starts, phases place and init together, by what isolates the function.",
		func(s *scrape) { s.histograms(s.m.coldTotals) },
	},
	{
		"thaw_waiting_callers", typeGauge, nil,
		"Invocations that wait for an environment.",
		func(s *scrape) { s.value(float64(s.sums.waiting)) },
	},
	{
		"thaw_waiting_functions", typeGauge, nil,
		"Function versions whose callers wait for an environment.",
		func(s *scrape) { s.value(float64(len(s.status.Waiting))) },
	},
	{
		"thaw_environments", typeGauge, []Label{{"state", states}, {"provisioned", provisioned}},
		"Execution environments.",
		func(s *scrape) { s.sum(&s.sums.environments) },
	},
	{
		"thaw_environment_reserved_bytes", typeGauge, []Label{{"state", states}, {"provisioned", provisioned}},
		"Memory that environments reserve.",
		func(s *scrape) { s.sum(&s.sums.reserved) },
	},
	{
		"thaw_environment_used_bytes", typeGauge, []Label{{"state", states}, {"provisioned", provisioned}},
		"Memory that environments were last seen to use; those not measured yet are left out.",
		func(s *scrape) { s.sum(&s.sums.used) },
	},
	{
		"thaw_engine_environments", typeGauge, []Label{{"engine", engines}},
		"Execution environments by what isolates them, without those that are starting.",
		func(s *scrape) { s.perEngine(&s.sums.isolated) },
	},
	{
		"thaw_engine_environment_reserved_bytes", typeGauge, []Label{{"engine", engines}},
		"Memory that these reserve.",
		func(s *scrape) { s.perEngine(&s.sums.isolatedBytes) },
	},
	{
		"thaw_environments_destroyed_total", typeCounter, []Label{{"cause", endCauses}},
		"Environments that ended.",
		func(s *scrape) { s.counters(s.m.destroyed) },
	},
	{
		"thaw_environment_freezes_total", typeCounter, nil,
		"Idle environments that were frozen.",
		func(s *scrape) { s.value(float64(s.m.freezes.Load())) },
	},
	{
		"thaw_environment_thaw_seconds", typeHistogram, nil,
		"Time to thaw a frozen environment for an invocation.",
		func(s *scrape) { s.histograms(s.m.thaws) },
	},
	{
		"thaw_slots", typeGauge, slices.Concat(stockLabels, []Label{{"state", slotStates}}),
		"Slots without a tenant.",
		func(s *scrape) {
			for i := range s.sums.stocks {
				st := &s.sums.stocks[i]
				s.sample("", float64(st.Ready), string(st.Kind), st.Runtime, st.Engine, "ready")
				s.sample("", float64(st.Filling), string(st.Kind), st.Runtime, st.Engine, "filling")
			}
		},
	},
	{
		"thaw_slots_target", typeGauge, stockLabels,
		"Slots that the stock is meant to hold.",
		func(s *scrape) { s.perStock(func(st *pool.StockStatus) int64 { return int64(st.Target) }) },
	},
	{
		"thaw_slot_reserved_bytes", typeGauge, stockLabels,
		"Memory that the stock reserves: what keeping it costs.",
		func(s *scrape) { s.perStock(func(st *pool.StockStatus) int64 { return st.ReservedBytes }) },
	},
	{
		"thaw_slots_taken_total", typeCounter, stockLabels,
		"Slots that cold starts took.",
		func(s *scrape) { s.perStock(func(st *pool.StockStatus) int64 { return st.Taken }) },
	},
	{
		"thaw_slots_missed_total", typeCounter, stockLabels,
		"Cold starts that found the stock empty.",
		func(s *scrape) { s.perStock(func(st *pool.StockStatus) int64 { return st.Missed }) },
	},
	{
		"thaw_slots_drained_total", typeCounter, stockLabels,
		"Slots that were destroyed unused.",
		func(s *scrape) { s.perStock(func(st *pool.StockStatus) int64 { return st.Drained }) },
	},
	{
		"thaw_slot_prepare_seconds", typeHistogram, []Label{{"kind", slotKinds}},
		"Time to prepare a slot for its stock.",
		func(s *scrape) { s.histograms(s.m.slots) },
	},
	{
		"thaw_memory_budget_bytes", typeGauge, nil,
		"Memory that environments and slots together may reserve.",
		func(s *scrape) { s.value(float64(s.status.BudgetBytes)) },
	},
	{
		"thaw_memory_reserved_bytes", typeGauge, nil,
		"Memory that environments and slots together reserve.",
		func(s *scrape) { s.value(float64(s.status.ReservedBytes)) },
	},
	{
		"thaw_snapshots", typeGauge, nil,
		"Function snapshots on disk.",
		func(s *scrape) { s.value(float64(s.status.Snapshots.Count)) },
	},
	{
		"thaw_snapshot_bytes", typeGauge, nil,
		"What function snapshots take on disk.",
		func(s *scrape) { s.value(float64(s.status.Snapshots.Bytes)) },
	},
	{
		"thaw_snapshots_made_total", typeCounter, []Label{{"result", results}},
		"Attempts to make a function snapshot.",
		func(s *scrape) { s.counters(s.m.snapshots) },
	},
	{
		"thaw_build_info", typeGauge, []Label{{"version", nil}, {"go", nil}, {"engine", nil}},
		"Always 1; its labels say which build runs, and with which engine where the operator chose no other for a function.",
		func(s *scrape) { s.sample("", 1, s.process.Version, s.process.Go, s.status.Engine) },
	},
	{
		"thaw_engine_info", typeGauge, []Label{{"engine", nil}, {"monitor", nil}, {"accelerator", nil}},
		"Always 1, for each engine that functions can have. With accelerator tcg virtual machines are emulated.",
		func(s *scrape) {
			for _, e := range s.status.Engines {
				s.sample("", 1, e.Name, e.Monitor, e.Accelerator)
			}
		},
	},
	{
		"process_start_time_seconds", typeGauge, nil,
		"When counting began, in seconds since 1970.",
		func(s *scrape) { s.value(float64(s.m.since.UnixMilli()) / 1000) },
	},
	{
		"process_cpu_seconds_total", typeCounter, nil,
		"CPU time of the daemon, user and system, without its sandboxes.",
		func(s *scrape) { s.value(s.process.CPUSeconds) },
	},
	{
		"process_resident_memory_bytes", typeGauge, nil,
		"Resident memory of the daemon, without its sandboxes.",
		func(s *scrape) { s.value(float64(s.process.ResidentBytes)) },
	},
	{
		"process_open_fds", typeGauge, nil,
		"Open file descriptors of the daemon.",
		func(s *scrape) { s.value(float64(s.process.OpenFiles)) },
	},
	{
		"process_max_fds", typeGauge, nil,
		"File descriptors that the daemon may open.",
		func(s *scrape) { s.value(float64(s.process.MaxFiles)) },
	},
	{
		"go_goroutines", typeGauge, nil,
		"Goroutines of the daemon.",
		func(s *scrape) { s.value(float64(s.process.Goroutines)) },
	},
	{
		"go_memstats_heap_alloc_bytes", typeGauge, nil,
		"Memory of the daemon's heap objects, dead ones not yet collected too.",
		func(s *scrape) { s.value(float64(s.process.HeapBytes)) },
	},
	{
		"go_gc_cycles_total", typeCounter, nil,
		"Garbage collections of the daemon.",
		func(s *scrape) { s.value(float64(s.process.GCCycles)) },
	},
}

var stockLabels = []Label{{"kind", slotKinds}, {"runtime", nil}, {"engine", nil}}
