package lambda

import (
	"encoding/base64"
	"encoding/hex"
	"maps"
	"slices"
	"time"
)

// State is a function's position in the life cycle that clients wait on. Source: Lambda API, "State".
type State string

// States of a function. Only an Active function can be invoked.
const (
	StatePending State = "Pending"
	StateActive  State = "Active"
	StateFailed  State = "Failed"
)

// UpdateStatus tells how the last update of a function's code or configuration went. The zero value means "never
// updated, still being created" and is left out of answers.
type UpdateStatus string

// Update statuses. During InProgress the previous code and configuration serve.
const (
	UpdateInProgress UpdateStatus = "InProgress"
	UpdateSuccessful UpdateStatus = "Successful"
	UpdateFailed     UpdateStatus = "Failed"
)

// Reason codes that go with State and UpdateStatus. Source: Lambda API, "StateReasonCode", "LastUpdateStatusReasonCode".
const (
	ReasonCreating       = "Creating"
	ReasonInvalidRuntime = "InvalidRuntime"
	ReasonInvalidZip     = "InvalidZipFileException"
	ReasonInternalError  = "InternalError"

	ReasonFunctionError     = "FunctionError"
	ReasonInitTimeout       = "FunctionError.InitTimeout"
	ReasonRuntimeInitError  = "FunctionError.RuntimeInitError"
	ReasonInvalidEntryPoint = "FunctionError.InvalidEntryPoint"
)

// Config is the configuration of one version of one function. It is immutable once handed out: change a copy made
// with Clone.
type Config struct {
	Account string `json:"account"` // 12 digits
	Name    string `json:"name"`
	Version string `json:"version"` // "$LATEST"; digits once versions exist

	Role        string            `json:"role"`
	Runtime     string            `json:"runtime"` // e.g. "python3.11", see Runtime
	Handler     string            `json:"handler"`
	Description string            `json:"description,omitempty"`
	Timeout     int               `json:"timeout_seconds"`
	MemoryMB    int               `json:"memory_mb"`
	EphemeralMB int               `json:"ephemeral_mb"`
	Environment map[string]string `json:"environment,omitzero"` // nil: never set; empty: set to nothing
	LogGroup    string            `json:"log_group"`
	// SnapStart is when a snapshot of the initialised function is made.
	SnapStart SnapStart `json:"snap_start,omitempty"`
	// Optimized says that this version starts from a snapshot. Only published versions are.
	Optimized bool `json:"optimized,omitempty"`
	// Tracing is "Active" or "PassThrough", for which "" stands.
	Tracing string `json:"tracing,omitempty"`
	// LogFormat is "JSON" or "Text", for which "" stands. The levels are only there with JSON; "" means INFO.
	LogFormat           string `json:"log_format,omitempty"`
	ApplicationLogLevel string `json:"application_log_level,omitempty"` // TRACE, DEBUG, INFO, WARN, ERROR or FATAL
	SystemLogLevel      string `json:"system_log_level,omitempty"`      // DEBUG, INFO or WARN
	// DeadLetterTarget is the ARN of the queue or topic that gets events which failed; "" means none.
	DeadLetterTarget string `json:"dead_letter_target,omitempty"`
	// Durable makes the function durable; nil: it is not.
	Durable *Durable `json:"durable,omitempty"`
	// Tenancy is "PER_TENANT" if no environment may serve more than one tenant of the caller, else "".
	Tenancy string `json:"tenancy,omitempty"`
	// Tenant is whom an invocation is for, and so the only one whom its environment serves; see ForTenant. It is not part of
	// a function's configuration, and never stored.
	Tenant string `json:"-"`

	Code Code `json:"code"`
	// Layers are unpacked under /opt in this order: later ones replace what earlier ones have of the same name.
	Layers []Layer `json:"layers,omitempty"`

	// RevisionID is a UUID that changes on every write and every state change.
	RevisionID   string    `json:"revision_id"`
	LastModified time.Time `json:"last_modified"`

	State           State  `json:"state"`
	StateReason     string `json:"state_reason,omitempty"`
	StateReasonCode string `json:"state_reason_code,omitempty"`

	UpdateStatus     UpdateStatus `json:"update_status,omitempty"`
	UpdateReason     string       `json:"update_reason,omitempty"`
	UpdateReasonCode string       `json:"update_reason_code,omitempty"`
}

// SnapStart is the API's SnapStart.ApplyOn. The zero value means SnapStartNone.
type SnapStart string

// Values of SnapStart.
const (
	SnapStartNone              SnapStart = "None"
	SnapStartPublishedVersions SnapStart = "PublishedVersions"
)

// Code names a deployment package by its content.
type Code struct {
	// SHA256 is the hexadecimal SHA-256 of the uploaded zip; the API shows the same digest in base64.
	SHA256 string `json:"sha256"`
	// Size is the length of the uploaded zip in bytes.
	Size int64 `json:"size"`
}

// Layer is the version of a layer that a function uses. It stays usable when the layer's version is deleted.
type Layer struct {
	ARN  string `json:"arn"` // of the version
	Code Code   `json:"code"`
}

// Base64 is the digest as the API shows it; "" if SHA256 is no hexadecimal number.
func (c Code) Base64() string {
	sum, err := hex.DecodeString(c.SHA256)
	if err != nil {
		return ""
	}
	return base64.StdEncoding.EncodeToString(sum)
}

// Clone returns a deep copy that the caller may modify.
func (c *Config) Clone() *Config {
	d := *c
	d.Environment = maps.Clone(c.Environment)
	d.Layers = slices.Clone(c.Layers)
	return &d
}

// LayerDigests name what is in the function's layers, in their order, by the hexadecimal SHA-256 of their packages.
func (c *Config) LayerDigests() []string {
	var list []string
	for _, l := range c.Layers {
		list = append(list, l.Code.SHA256)
	}
	return list
}

// TimeoutDuration is the function timeout, 1 s to 900 s.
func (c *Config) TimeoutDuration() time.Duration {
	return time.Duration(c.Timeout) * time.Second
}
