package lambda

import (
	"regexp"
	"time"
)

// Durable makes a function durable: each invocation of it is an execution that outlives the environments it runs in.
// It is set when the function is created and never added or removed. Source: Lambda API, DurableConfig.
type Durable struct {
	ExecutionTimeout int `json:"execution_timeout"` // seconds, 1 to MaxExecutionSeconds
	RetentionDays    int `json:"retention_days"`    // how long an execution that ended is kept, 1 to MaxRetentionDays
}

// Limits of durable executions. Source of each, where nothing else is said: AWS Lambda quotas, "Durable functions", and the
// Lambda API model, DurableConfig and OperationUpdate.
const (
	// MaxExecutionSeconds bounds Durable.ExecutionTimeout, and each wait, delay and timeout of an execution (366 days).
	MaxExecutionSeconds = 31_622_400
	// MaxSyncExecutionSeconds is the longest ExecutionTimeout of a function whose caller may wait for the result.
	MaxSyncExecutionSeconds = 900
	// MinRetentionDays, MaxRetentionDays and DefaultRetentionDays bound Durable.RetentionDays.
	MinRetentionDays     = 1
	MaxRetentionDays     = 90
	DefaultRetentionDays = 30
	// MaxOperations is how many operations one execution may have, itself not counted.
	MaxOperations = 3000
	// MaxExecutionBytes bounds the payloads and errors that one execution stores (100 MB).
	MaxExecutionBytes = 100 << 20
	// MaxOperationPayloadBytes bounds the payload of one operation, the errors of one, and what an execution that nobody
	// waits for takes and returns (1 MiB).
	MaxOperationPayloadBytes = 1 << 20
)

// ExecutionTimeoutDuration is how long an execution may run.
func (d *Durable) ExecutionTimeoutDuration() time.Duration {
	return time.Duration(d.ExecutionTimeout) * time.Second
}

// ExecutionRef is a durable execution as its ARN names it.
type ExecutionRef struct {
	Region, Account string
	Function        string // name
	Version         string // "$LATEST" or a number
	Name            string // of the execution, unique within the function
	ID              string
}

// ARN is the execution's ARN.
func (r ExecutionRef) ARN() string {
	return FunctionARN(r.Region, r.Account, r.Function, r.Version) + "/durable-execution/" + r.Name + "/" + r.ID
}

var executionARN = regexp.MustCompile(`^arn:aws[a-zA-Z-]*:lambda:([a-zA-Z0-9-]{1,64}):([0-9]{12}):function:([a-zA-Z0-9_-]{1,140}):(\$LATEST|[0-9]{1,20})/durable-execution/([a-zA-Z0-9_-]{1,64})/([a-zA-Z0-9_-]{1,64})$`)

// ParseExecutionARN reads the ARN of a durable execution; false if s is none. Source of the form: Lambda API model,
// DurableExecutionArn.
func ParseExecutionARN(s string) (ExecutionRef, bool) {
	m := executionARN.FindStringSubmatch(s)
	if m == nil {
		return ExecutionRef{}, false
	}
	return ExecutionRef{m[1], m[2], m[3], m[4], m[5], m[6]}, true
}
