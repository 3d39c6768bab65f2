package async

import "time"

// Delays are the times between two tries.
type Delays struct {
	// FunctionError is the delay after the function failed for the first and for the second time.
	FunctionError [2]time.Duration
	// First is the delay after an event could not be run or delivered. It doubles up to Longest.
	First, Longest time.Duration
}

// DefaultDelays are those of Lambda. Source: AWS Lambda developer guide, "How Lambda handles errors and retries with
// asynchronous invocation".
var DefaultDelays = Delays{
	FunctionError: [2]time.Duration{time.Minute, 2 * time.Minute},
	First:         time.Second, Longest: 5 * time.Minute,
}

// afterError is the delay after the function failed that many times, from 1.
func (d *Delays) afterError(attempts int) time.Duration {
	return d.FunctionError[min(attempts, len(d.FunctionError))-1]
}

// afterRefusal is the delay after that many refusals in a row, from 1.
func (d *Delays) afterRefusal(n int) time.Duration {
	delay := d.First
	for ; n > 1 && delay < d.Longest; n-- {
		delay *= 2
	}
	return min(delay, d.Longest)
}
