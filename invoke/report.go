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
	memoryMB  int
	peakMB    int
	status    string // "" for success
	errorType string
}

// billed is the billed duration: init and invocation together, rounded up to whole milliseconds. Init counts since
// August 2025. Source: AWS Lambda pricing.
func (r *report) billed() int64 {
	return int64(math.Ceil(float64(r.duration+r.init) / float64(time.Millisecond)))
}

func (r *report) String() string {
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		r.id, millis(r.duration), r.billed(), r.memoryMB, r.peakMB)
	if r.init > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", millis(r.init))
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

// phases are those of a cold start, if this invocation had one, and the invocation's own.
func phases(r *report, env *pool.Environment) []Phase {
	invoke := Phase{"invoke", r.duration}
	if r.init == 0 {
		return []Phase{invoke}
	}
	return []Phase{{"place", env.Cold.Place}, {"code", env.Cold.Code}, {"init", env.Cold.Init}, invoke}
}
