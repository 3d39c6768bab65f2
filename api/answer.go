package api

// FunctionConfiguration is what the API tells about a function. Members without a value are left out.
type FunctionConfiguration struct {
	FunctionName         string
	FunctionArn          string
	Runtime              string `json:",omitempty"`
	Role                 string
	Handler              string `json:",omitempty"`
	CodeSize             int64  // bytes of the uploaded zip
	Description          string // present even if empty
	Timeout              int    // seconds
	MemorySize           int    // MB
	LastModified         string // FormatTimestamp
	CodeSha256           string // base64 of the SHA-256 of the uploaded zip
	Version              string
	Environment          *EnvironmentAnswer `json:",omitempty"`
	Layers               []FunctionLayer    `json:",omitempty"`
	DeadLetterConfig     *DeadLetterConfig  `json:",omitempty"` // only with a target
	TracingConfig        TracingConfigAnswer
	RevisionId           string
	State                string `json:",omitempty"`
	StateReason          string `json:",omitempty"`
	StateReasonCode      string `json:",omitempty"`
	LastUpdateStatus     string `json:",omitempty"`
	LastUpdateReason     string `json:"LastUpdateStatusReason,omitempty"`
	LastUpdateReasonCode string `json:"LastUpdateStatusReasonCode,omitempty"`
	PackageType          string
	Architectures        []string
	EphemeralStorage     EphemeralStorageAnswer
	SnapStart            SnapStartAnswer
	RuntimeVersionConfig *RuntimeVersionConfig `json:",omitempty"`
	LoggingConfig        LoggingConfigAnswer
	TenancyConfig        *TenancyConfigAnswer `json:",omitempty"`
	DurableConfig        *DurableConfigAnswer `json:",omitempty"`
}

// DurableConfigAnswer says how long executions of a durable function may run, and are kept.
type DurableConfigAnswer struct {
	RetentionPeriodInDays int
	ExecutionTimeout      int // seconds
}

// TenancyConfigAnswer says that a function's environments are kept apart by tenant.
type TenancyConfigAnswer struct {
	TenantIsolationMode string
}

// EnvironmentAnswer carries the variables; an empty map is written as {}.
type EnvironmentAnswer struct {
	Variables map[string]string
}

// TracingConfigAnswer is the tracing mode in force.
type TracingConfigAnswer struct {
	Mode string
}

// EphemeralStorageAnswer is the size of /tmp in MB.
type EphemeralStorageAnswer struct {
	Size int
}

// SnapStartAnswer tells whether snapshots are asked for and made.
type SnapStartAnswer struct {
	ApplyOn            string
	OptimizationStatus string
}

// RuntimeVersionConfig names the exact runtime.
type RuntimeVersionConfig struct {
	RuntimeVersionArn string
}

// LoggingConfigAnswer is the logging configuration in force.
type LoggingConfigAnswer struct {
	LogFormat           string
	ApplicationLogLevel string `json:",omitempty"` // only with LogFormat JSON
	SystemLogLevel      string `json:",omitempty"` // only with LogFormat JSON
	LogGroup            string
}

// GetFunctionAnswer is the body of GetFunction.
type GetFunctionAnswer struct {
	Configuration FunctionConfiguration
	Code          CodeLocation
	Tags          map[string]string `json:",omitempty"`
	Concurrency   *Concurrency      `json:",omitempty"` // only with a reservation, and for the function as a whole
}

// Concurrency is a function's reserved concurrency, {} without any.
type Concurrency struct {
	ReservedConcurrentExecutions *int `json:",omitempty"`
}

// ListVersionsAnswer is the body of ListVersionsByFunction.
type ListVersionsAnswer struct {
	NextMarker string `json:",omitempty"`
	Versions   []FunctionConfiguration
}

// Alias is what the API tells about an alias.
type Alias struct {
	AliasArn        string
	Name            string
	FunctionVersion string
	Description     string         // present even if empty
	RoutingConfig   *RoutingConfig `json:",omitempty"` // only with a second version
	RevisionId      string
}

// ListAliasesAnswer is the body of ListAliases.
type ListAliasesAnswer struct {
	NextMarker string `json:",omitempty"`
	Aliases    []Alias
}

// ProvisionedConcurrency is the provisioned concurrency of one version or alias.
type ProvisionedConcurrency struct {
	FunctionArn                              string `json:",omitempty"` // qualified; only in lists
	RequestedProvisionedConcurrentExecutions int
	AvailableProvisionedConcurrentExecutions int
	AllocatedProvisionedConcurrentExecutions int
	Status                                   string // IN_PROGRESS, READY or FAILED
	StatusReason                             string `json:",omitempty"`
	LastModified                             string // FormatTimestamp
}

// ListProvisionedAnswer is the body of ListProvisionedConcurrencyConfigs.
type ListProvisionedAnswer struct {
	NextMarker                    string `json:",omitempty"`
	ProvisionedConcurrencyConfigs []ProvisionedConcurrency
}

// CodeLocation is where a function's code can be fetched for ten minutes.
type CodeLocation struct {
	RepositoryType string
	Location       string
}

// ListFunctionsAnswer is the body of ListFunctions.
type ListFunctionsAnswer struct {
	NextMarker string `json:",omitempty"`
	Functions  []FunctionConfiguration
}

// ListTagsAnswer is the body of ListTags; no tags are written as {}.
type ListTagsAnswer struct {
	Tags map[string]string
}

// AccountSettingsAnswer is the body of GetAccountSettings.
type AccountSettingsAnswer struct {
	AccountLimit AccountLimit
	AccountUsage AccountUsage
}

// AccountLimit holds sizes in bytes and counts of concurrent executions.
type AccountLimit struct {
	TotalCodeSize                  int64
	CodeSizeUnzipped               int64
	CodeSizeZipped                 int64
	ConcurrentExecutions           int
	UnreservedConcurrentExecutions int
}

// AccountUsage is what the account's functions use of it.
type AccountUsage struct {
	TotalCodeSize int64 // bytes
	FunctionCount int
}
