package invoke

import (
	"fmt"
	"math"
	"strings"
	"time"

	"thaw.dev/thaw/pool"
)

// Values of Status in a REPORT line.
const (
	statusTimeout = "timeout"
	statusError   = "error"
)

// report is what the REPORT line of one invocation says. Source of the line's form: recordings of AWS logs.
type report struct {
	id        string
	duration  time.Duration
	init      time.Duration // 0 leaves it out
	restore   time.Duration // instead of init, if the environment came from a snapshot; 0 leaves it out
	memoryMB  int
	peakMB    int
	status    string // "" for success
	errorType string
}

// coldStart adds the cold start of an environment that serves for the first time, also if it was started ahead: for
// provisioned concurrency Lambda shows and bills the init with the first invocation, too. A failed init has a line of its
// own.
func (r *report) coldStart(env *pool.Environment) {
	switch {
	case env.InitFailure != nil:
	case env.Source == pool.SourceSnapshot:
		r.restore = env.Cold.Init
	default:
		r.init = env.Cold.Init
	}
}

// billed is the billed duration in milliseconds: the cold start and the invocation together, rounded up once. Init counts
// since August 2025. Source: AWS Lambda pricing.
func (r *report) billed() int64 { return ceilMillis(r.duration + r.init + r.restore) }

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.id, millis(r.duration), r.billed(), r.memoryMB, r.peakMB)
	if r.init > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", millis(r.init))
	}
	if r.restore > 0 {
		// Lambda bills only what the function's hooks do after the memory was loaded; nobody tells those apart here.
		fmt.Fprintf(&b, "Restore Duration: %.2f ms\tBilled Restore Duration: %d ms\t", millis(r.restore), ceilMillis(r.restore))
	}
	if r.status != "" {
		fmt.Fprintf(&b, "Status: %s\t", r.status)
		if r.errorType != "" {
			fmt.Fprintf(&b, "Error Type: %s\t", r.errorType)
		}
	}
	return b.String()
}

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

func ceilMillis(d time.Duration) int64 { return int64(math.Ceil(millis(d))) }

// phases are what the caller waited for: those of the cold start if the environment is new and was not started ahead,
// thawing it if it was frozen, and the invocation itself.
func phases(env *pool.Environment, first bool, invoked time.Duration) []Phase {
	var all []Phase
	if first && !env.Provisioned && env.InitFailure == nil {
		all = []Phase{
			{Name: PhasePlace, Duration: env.Cold.Place, Source: string(env.Source)},
			{Name: PhaseCode, Duration: env.Cold.Code},
			{Name: PhaseInit, Duration: env.Cold.Init},
		}
	}
	if env.Thawed > 0 {
		all = append(all, Phase{Name: PhaseThaw, Duration: env.Thawed})
	}
	return append(all, Phase{Name: PhaseInvoke, Duration: invoked})
}
