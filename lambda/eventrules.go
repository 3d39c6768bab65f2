package lambda

import "time"

// Limits of asynchronous invocations. Source: AWS Lambda developer guide, "Lambda quotas" and "Configuring error handling
// settings for asynchronous invocations".
const (
	// MaxEventPayloadBytes is the largest event of an asynchronous invocation (1 MiB).
	MaxEventPayloadBytes = 1 << 20
	// MaxEventRetries is the highest and the default number of tries after a function failed for the first time.
	MaxEventRetries = 2
	// MinEventAge and MaxEventAge bound the time in which an event may be tried. The highest is the default.
	MinEventAge = time.Minute
	MaxEventAge = 6 * time.Hour
)

// EventRules is how asynchronous invocations of a function's qualifier are treated now.
type EventRules struct {
	MaxRetries int           // tries after the first failure of the function, 0 to MaxEventRetries
	MaxAge     time.Duration // from acceptance, MinEventAge to MaxEventAge
	OnSuccess  string        // ARN of the destination; "" for none
	OnFailure  string        // ARN of the destination; "" for none
	DeadLetter string        // ARN of the queue or topic; "" for none
	Share      Share         // of the account's concurrency
}
