package control

import "thaw.dev/thaw/lambda"

// Settings are the configuration a caller gives. nil means absent: the default at creation, unchanged in an update.
type Settings struct {
	Role        *string
	Runtime     *string
	Handler     *string
	Description *string
	Timeout     *int              // seconds
	MemoryMB    *int              // MiB
	EphemeralMB *int              // MiB
	Environment map[string]string // empty, not nil: no variables
	LogGroup    *string           // "" means the default group
	SnapStart   *lambda.SnapStart
	Layers      []string // ARNs of layer versions, in their order; empty, not nil: none
	Tracing     *string  // lambda.TracingActive or TracingPassThrough
	LogFormat   *string  // lambda.LogFormatJSON or LogFormatText, which forgets the levels
	// The levels need format JSON.
	ApplicationLogLevel *string
	SystemLogLevel      *string
	DeadLetter          *string // ARN of a queue or topic; "" for none
	Durable             *DurableSettings
}

// DurableSettings make a function durable when it is created, and change how its executions are treated later.
type DurableSettings struct {
	ExecutionTimeout *int // seconds
	RetentionDays    *int
}

// defaultExecutionTimeout is ExecutionTimeout where it is not given, in seconds: a day. AWS's tools always give it.
const defaultExecutionTimeout = 86_400

// makeDurable makes a new function durable if it is to be.
func (in *Settings) makeDurable(c *lambda.Config) {
	if in.Durable != nil {
		c.Durable = &lambda.Durable{ExecutionTimeout: defaultExecutionTimeout, RetentionDays: lambda.DefaultRetentionDays}
	}
}

// checkDurable refuses to make a function durable that is not.
func (in *Settings) checkDurable(c *lambda.Config) error {
	if in.Durable != nil && c.Durable == nil {
		return lambda.Errorf(lambda.KindInvalid, "You cannot add DurableConfig to an existing function that was created without it.")
	}
	return nil
}

// apply writes the settings into c, which the caller owns.
func (in *Settings) apply(c *lambda.Config) {
	set(&c.Role, in.Role)
	set(&c.Runtime, in.Runtime)
	set(&c.Handler, in.Handler)
	set(&c.Description, in.Description)
	set(&c.Timeout, in.Timeout)
	set(&c.MemoryMB, in.MemoryMB)
	set(&c.EphemeralMB, in.EphemeralMB)
	set(&c.LogGroup, in.LogGroup)
	if in.Environment != nil {
		c.Environment = in.Environment
	}
	set(&c.DeadLetterTarget, in.DeadLetter)
	if in.Durable != nil && c.Durable != nil {
		d := *c.Durable
		set(&d.ExecutionTimeout, in.Durable.ExecutionTimeout)
		set(&d.RetentionDays, in.Durable.RetentionDays)
		c.Durable = &d
	}
	set(&c.SnapStart, in.SnapStart)
	if c.SnapStart == lambda.SnapStartNone {
		c.SnapStart = ""
	}
	set(&c.Tracing, in.Tracing)
	if c.Tracing == lambda.TracingPassThrough {
		c.Tracing = ""
	}
	in.applyLogging(c)
	if c.LogGroup == "" {
		c.LogGroup = lambda.DefaultLogGroup(c.Name)
	}
}

func (in *Settings) applyLogging(c *lambda.Config) {
	set(&c.LogFormat, in.LogFormat)
	if c.LogFormat == lambda.LogFormatText {
		c.LogFormat = ""
	}
	if in.LogFormat != nil && !c.LogsJSON() {
		c.ApplicationLogLevel, c.SystemLogLevel = "", ""
	}
	set(&c.ApplicationLogLevel, in.ApplicationLogLevel)
	set(&c.SystemLogLevel, in.SystemLogLevel)
}

func set[T any](dst, src *T) {
	if src != nil {
		*dst = *src
	}
}
