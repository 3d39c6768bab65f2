package lambda

import "time"

// Qualified is what a function's owner set for one qualifier of it: for $LATEST and the function as a whole, for a version,
// or for an alias. nil members were not set. It is immutable.
type Qualified struct {
	Policy            *Policy            `json:"policy,omitempty"`
	URL               *FunctionURL       `json:"url,omitempty"`
	EventInvoke       *EventInvoke       `json:"event_invoke,omitempty"`
	RuntimeManagement *RuntimeManagement `json:"runtime_management,omitempty"`
}

// Empty reports whether nothing is set.
func (q Qualified) Empty() bool { return q == Qualified{} }

// Policy is a resource policy.
type Policy struct {
	Document   string `json:"document"` // the policy's JSON text
	RevisionID string `json:"revision_id"`
}

// FunctionURL is a URL at which a function is invoked.
type FunctionURL struct {
	ID         string    `json:"id"`                    // names the URL for its whole life: 32 lower-case letters and digits
	AuthType   string    `json:"auth_type"`             // NONE or AWS_IAM
	InvokeMode string    `json:"invoke_mode,omitempty"` // BUFFERED, for which "" stands, or RESPONSE_STREAM
	Cors       *Cors     `json:"cors,omitempty"`
	Created    time.Time `json:"created"`
	Modified   time.Time `json:"modified"`
}

// Cors says which other origins' pages may use a URL. Source of the members: Lambda API, Cors.
type Cors struct {
	AllowCredentials bool     `json:"allow_credentials,omitempty"`
	AllowHeaders     []string `json:"allow_headers,omitempty"`
	AllowMethods     []string `json:"allow_methods,omitempty"`
	AllowOrigins     []string `json:"allow_origins,omitempty"`
	ExposeHeaders    []string `json:"expose_headers,omitempty"`
	MaxAge           int      `json:"max_age,omitempty"` // seconds
}

// EventInvoke says how asynchronous invocations are treated.
type EventInvoke struct {
	MaxRetries *int      `json:"max_retries,omitempty"` // 0 to 2; nil: 2
	MaxAge     *int      `json:"max_age,omitempty"`     // seconds, 60 to 21,600; nil: 21,600
	OnSuccess  string    `json:"on_success,omitempty"`  // ARN; "" for none
	OnFailure  string    `json:"on_failure,omitempty"`  // ARN; "" for none
	Modified   time.Time `json:"modified"`
}

// RuntimeManagement says when a function gets a newer version of its runtime.
type RuntimeManagement struct {
	UpdateOn          string `json:"update_on"`                     // Auto, FunctionUpdate or Manual
	RuntimeVersionARN string `json:"runtime_version_arn,omitempty"` // with Manual
}

// Empty reports whether no member is set.
func (c *Cors) Empty() bool {
	return !c.AllowCredentials && c.MaxAge == 0 &&
		len(c.AllowHeaders)+len(c.AllowMethods)+len(c.AllowOrigins)+len(c.ExposeHeaders) == 0
}

// MaxPolicyBytes is the length of the longest resource policy. Source: AWS Lambda quotas, "Function resource-based policy".
const MaxPolicyBytes = 20 << 10
