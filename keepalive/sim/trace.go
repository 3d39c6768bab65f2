package sim

// Trace is what happened, minute by minute.
type Trace struct {
	// Minutes is how long it is.
	Minutes int
	// Functions in the order in which the files name them.
	Functions []Function
	// Guessed says for how many functions execution times or memory were missing and taken from the defaults.
	Guessed struct{ Durations, Memory int }
}

// Function is one function of a trace.
type Function struct {
	Owner, App, Name string
	Trigger          string
	// MemoryMB is what one environment holds, in MB. The trace has it per application, and that is what is charged.
	MemoryMB float64
	// Durations are percentiles of its execution time in milliseconds, at Percentiles.
	Durations [7]float64
	// Counts are its invocations, in order of time; minutes without any are left out.
	Counts []Count
}

// Count is the number of invocations in a minute of the trace, from 0.
type Count struct{ Minute, N int32 }

// Percentiles are those of the trace's execution times, as shares.
var Percentiles = [7]float64{0, 0.01, 0.25, 0.50, 0.75, 0.99, 1}

// What a function has whose line is missing: the medians of the published distributions.
const (
	// DefaultDurationMS is the median of the log-normal fit to average execution times, exp(-0.38) s.
	DefaultDurationMS = 684
	// DefaultMemoryMB is the median of the Burr fit to allocated memory.
	DefaultMemoryMB = 140
)

// Limits of what is read.
const (
	minutesPerDay = 24 * 60
	// maxDays is how many days a trace may have; times are kept in 32 bits of milliseconds.
	maxDays = 31
	// maxCount is the largest number of invocations of one function in one minute.
	maxCount = 10_000_000
	// maxFunctions is how many functions a trace may have.
	maxFunctions = 2_000_000
	// maxDurationMS bounds execution times: a day.
	maxDurationMS = 24 * 3600 * 1000
	// maxMemoryMB bounds the memory of an environment: a TB.
	maxMemoryMB = 1 << 20
)

// Invocations is how many the trace has.
func (t *Trace) Invocations() int64 {
	var n int64
	for i := range t.Functions {
		n += t.Functions[i].Invocations()
	}
	return n
}

// Invocations is how many the function has.
func (f *Function) Invocations() int64 {
	var n int64
	for _, c := range f.Counts {
		n += int64(c.N)
	}
	return n
}
