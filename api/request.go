package api

import (
	"math"
	"net/http"

	"thaw.dev/thaw/lambda"
)

// FunctionSettings are the members that CreateFunction and UpdateFunctionConfiguration share. nil means absent.
// Members whose content Thaw does not use are kept only as far as needed to tell "nothing" from "something".
type FunctionSettings struct {
	Role             *string
	Runtime          *string
	Handler          *string
	Description      *string
	Timeout          *int // seconds
	MemorySize       *int // MB
	Environment      *Environment
	EphemeralStorage *EphemeralStorage
	LoggingConfig    *LoggingConfig

	TracingConfig          *TracingConfig
	SnapStart              *SnapStart
	DeadLetterConfig       *DeadLetterConfig
	VpcConfig              *VpcConfig
	KMSKeyArn              *string
	Layers                 []string
	FileSystemConfigs      []FileSystemConfig
	ImageConfig            *ImageConfig
	DurableConfig          *DurableConfig
	CapacityProviderConfig *Opaque
}

// Opaque is an object of which only the presence matters.
type Opaque map[string]any

// Environment carries a function's environment variables.
type Environment struct {
	Variables map[string]string
}

// EphemeralStorage is the size of /tmp in MB.
type EphemeralStorage struct {
	Size *int
}

// LoggingConfig says how and where a function logs.
type LoggingConfig struct {
	LogFormat           *string `json:",omitempty"`
	ApplicationLogLevel *string `json:",omitempty"`
	SystemLogLevel      *string `json:",omitempty"`
	LogGroup            *string `json:",omitempty"`
}

// TracingConfig is PassThrough or Active.
type TracingConfig struct {
	Mode *string
}

// DurableConfig makes a function durable.
type DurableConfig struct {
	ExecutionTimeout      *int // seconds
	RetentionPeriodInDays *int
	KMSKeyArn             *string
}

// SnapStart is None or PublishedVersions.
type SnapStart struct {
	ApplyOn *string
}

// DeadLetterConfig names the target of failed asynchronous events.
type DeadLetterConfig struct {
	TargetArn *string
}

// VpcConfig names subnets and security groups.
type VpcConfig struct {
	SubnetIds               []string
	SecurityGroupIds        []string
	Ipv6AllowedForDualStack *bool
}

// FileSystemConfig is one mounted file system.
type FileSystemConfig struct {
	Arn            *string
	LocalMountPath *string
	S3FilesConfig  *Opaque
}

// ImageConfig overrides settings of a container image.
type ImageConfig struct {
	EntryPoint       []string
	Command          []string
	WorkingDirectory *string
}

// FunctionCode says where a new function's code comes from.
type FunctionCode struct {
	ZipFile             []byte // base64 in JSON
	S3Bucket            *string
	S3Key               *string
	S3ObjectVersion     *string
	S3ObjectStorageMode *string
	ImageUri            *string
	SourceKMSKeyArn     *string
}

// CreateFunctionRequest is the body of CreateFunction.
type CreateFunctionRequest struct {
	FunctionName *string
	Code         *FunctionCode
	FunctionSettings
	PackageType          *string
	Architectures        []string
	Tags                 map[string]string
	Publish              *bool
	PublishTo            *string
	CodeSigningConfigArn *string
	TenancyConfig        *TenancyConfig
}

// TenancyConfig says whether environments are kept apart by the tenants of the function's caller.
type TenancyConfig struct{ TenantIsolationMode *string }

// UpdateFunctionConfigurationRequest is the body of UpdateFunctionConfiguration. Absent members stay unchanged.
type UpdateFunctionConfigurationRequest struct {
	FunctionSettings
	RevisionId *string
}

// UpdateFunctionCodeRequest is the body of UpdateFunctionCode.
type UpdateFunctionCodeRequest struct {
	FunctionCode
	Architectures []string
	Publish       *bool
	PublishTo     *string
	DryRun        *bool
	RevisionId    *string
}

// PublishVersionRequest is the body of PublishVersion.
type PublishVersionRequest struct {
	CodeSha256  *string
	Description *string
	RevisionId  *string
	PublishTo   *string
}

// PutFunctionConcurrencyRequest is the body of PutFunctionConcurrency.
type PutFunctionConcurrencyRequest struct {
	ReservedConcurrentExecutions *int
}

// PutProvisionedConcurrencyRequest is the body of PutProvisionedConcurrencyConfig.
type PutProvisionedConcurrencyRequest struct {
	ProvisionedConcurrentExecutions *int
}

// CreateAliasRequest is the body of CreateAlias.
type CreateAliasRequest struct {
	Name            *string
	FunctionVersion *string
	Description     *string
	RoutingConfig   *RoutingConfig
}

// UpdateAliasRequest is the body of UpdateAlias.
type UpdateAliasRequest struct {
	FunctionVersion *string
	Description     *string
	RoutingConfig   *RoutingConfig
	RevisionId      *string
}

// RoutingConfig names a second version of an alias and which part of the invocations it gets, 0 to 1.
type RoutingConfig struct {
	AdditionalVersionWeights map[string]*float64
}

// TagResourceRequest is the body of TagResource.
type TagResourceRequest struct {
	Tags map[string]string
}

// Check is the constraint layer for CreateFunction.
func (r *CreateFunctionRequest) Check() error {
	var c Constraints
	c.Required("functionName", r.FunctionName != nil)
	c.writeName(r.FunctionName)
	c.Required("role", r.Role != nil)
	c.Required("code", r.Code != nil)
	c.settings(&r.FunctionSettings)
	c.Enum("packageType", r.PackageType, "Zip", "Image")
	c.architectures(r.Architectures)
	c.Enum("publishTo", r.PublishTo, "LATEST_PUBLISHED")
	if r.CodeSigningConfigArn != nil && *r.CodeSigningConfigArn != "" {
		c.signingARN(r.CodeSigningConfigArn)
	}
	if r.TenancyConfig != nil {
		c.Required("tenancyConfig.tenantIsolationMode", r.TenancyConfig.TenantIsolationMode != nil)
		c.Enum("tenancyConfig.tenantIsolationMode", r.TenancyConfig.TenantIsolationMode, lambda.PerTenant)
	}
	if r.Code != nil {
		c.object("code.", r.Code.S3Bucket, r.Code.S3Key, r.Code.S3ObjectVersion, r.Code.S3ObjectStorageMode)
	}
	c.Tags("tags", r.Tags)
	return c.Err()
}

// Check is the constraint layer for UpdateFunctionConfiguration; name is the path label.
func (r *UpdateFunctionConfigurationRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.settings(&r.FunctionSettings)
	return c.Err()
}

// Check is the constraint layer for UpdateFunctionCode; name is the path label.
func (r *UpdateFunctionCodeRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.architectures(r.Architectures)
	c.Enum("publishTo", r.PublishTo, "LATEST_PUBLISHED")
	c.object("", r.S3Bucket, r.S3Key, r.S3ObjectVersion, r.S3ObjectStorageMode)
	return c.Err()
}

// Check is the constraint layer for PublishVersion; name is the path label.
func (r *PublishVersionRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.Length("description", r.Description, 0, 256)
	c.Enum("publishTo", r.PublishTo, "LATEST_PUBLISHED")
	return c.Err()
}

// Check is the constraint layer for PutFunctionConcurrency; name is the path label.
func (r *PutFunctionConcurrencyRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.Required("reservedConcurrentExecutions", r.ReservedConcurrentExecutions != nil)
	c.Range("reservedConcurrentExecutions", r.ReservedConcurrentExecutions, 0, math.MaxInt32)
	return c.Err()
}

// Check is the constraint layer for PutProvisionedConcurrencyConfig; name is the path label, query the Qualifier.
func (r *PutProvisionedConcurrencyRequest) Check(name, query string) error {
	var c Constraints
	c.qualified(name, query)
	c.Required("provisionedConcurrentExecutions", r.ProvisionedConcurrentExecutions != nil)
	c.Range("provisionedConcurrentExecutions", r.ProvisionedConcurrentExecutions, 1, math.MaxInt32)
	return c.Err()
}

// CheckQualified is the constraint layer for operations that need a function name and the Qualifier of the query.
func CheckQualified(name, query string) error {
	var c Constraints
	c.qualified(name, query)
	return c.Err()
}

// Check is the constraint layer for CreateAlias; name is the path label.
func (r *CreateAliasRequest) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.Required("name", r.Name != nil)
	c.alias(r.Name)
	c.Required("functionVersion", r.FunctionVersion != nil)
	c.version(r.FunctionVersion)
	c.Length("description", r.Description, 0, 256)
	c.routing(r.RoutingConfig)
	return c.Err()
}

// Check is the constraint layer for UpdateAlias; name and alias are the path labels.
func (r *UpdateAliasRequest) Check(name, alias string) error {
	var c Constraints
	c.writeName(&name)
	c.alias(&alias)
	c.version(r.FunctionVersion)
	c.Length("description", r.Description, 0, 256)
	c.routing(r.RoutingConfig)
	return c.Err()
}

// CheckAlias is the constraint layer for operations that need a function's name and an alias only.
func CheckAlias(name, alias string) error {
	var c Constraints
	c.writeName(&name)
	c.alias(&alias)
	return c.Err()
}

// CheckAliases is the constraint layer for what ListAliases has beside a name and a page; version "" means absent.
func CheckAliases(version string) error {
	var c Constraints
	if version != "" {
		c.version(&version)
	}
	return c.Err()
}

// CheckPage is the constraint layer for lists about one function, whose pages have at most the given number of members.
func CheckPage(name string, maxItems *int, most int) error {
	var c Constraints
	c.Length("functionName", &name, 1, 256)
	c.Match("functionName", &name, namespacedName)
	c.Range("maxItems", maxItems, 1, most)
	return c.Err()
}

// Check is the constraint layer for TagResource; resource is the path label.
func (r *TagResourceRequest) Check(resource string) error {
	var c Constraints
	c.resource(resource)
	c.Required("tags", r.Tags != nil)
	c.Tags("tags", r.Tags)
	return c.Err()
}

// CheckUntag is the constraint layer for UntagResource.
func CheckUntag(resource string, keys []string) error {
	var c Constraints
	c.resource(resource)
	c.Required("tagKeys", len(keys) > 0)
	return c.Err()
}

// CheckResource is the constraint layer for operations whose only input is the ARN of something with tags.
func CheckResource(resource string) error {
	var c Constraints
	c.resource(resource)
	return c.Err()
}

// CheckName is the constraint layer for operations on a function name, which may hold a qualifier, and the Qualifier
// of the query, "" if there is none. Invoke and the operations that read use it.
func CheckName(name, query string) error {
	var c Constraints
	c.Length("functionName", &name, 1, 256)
	c.Match("functionName", &name, namespacedName)
	if query != "" {
		c.Length("qualifier", &query, 1, 128)
		c.Match("qualifier", &query, qualifier)
	}
	return c.Err()
}

// CheckInvocation is the constraint layer for Invoke's headers.
func CheckInvocation(h http.Header) error {
	return checkInvocation(h, "Event", "RequestResponse", "DryRun")
}

// CheckStreamInvocation is the same for InvokeWithResponseStream, which knows fewer types.
func CheckStreamInvocation(h http.Header) error {
	return checkInvocation(h, "RequestResponse", "DryRun")
}

func checkInvocation(h http.Header, types ...string) error {
	var c Constraints
	given := func(name string) *string {
		if v := h.Get(name); v != "" {
			return &v
		}
		return nil
	}
	c.Enum("invocationType", given("X-Amz-Invocation-Type"), types...)
	c.Enum("logType", given("X-Amz-Log-Type"), "None", "Tail")
	c.Length("tenantId", given("X-Amz-Tenant-Id"), 1, 256)
	c.Match("tenantId", given("X-Amz-Tenant-Id"), tenantID)
	c.Length("durableExecutionName", given("X-Amz-Durable-Execution-Name"), 1, 64)
	c.Match("durableExecutionName", given("X-Amz-Durable-Execution-Name"), executionName)
	return c.Err()
}

// CheckList is the constraint layer for ListFunctions; "" and nil mean absent.
func CheckList(functionVersion, region string, maxItems *int) error {
	var c Constraints
	if functionVersion != "" {
		c.Enum("functionVersion", &functionVersion, "ALL")
	}
	if region != "" {
		c.Match("masterRegion", &region, masterRegion)
	}
	c.Range("maxItems", maxItems, 1, 10000)
	return c.Err()
}

func (c *Constraints) writeName(name *string) {
	c.Length("functionName", name, 1, 140)
	c.Match("functionName", name, functionName)
	if name == nil || len(c.failures) > 0 {
		return
	}
	if ref, ok := lambda.ParseFunctionRef(*name); ok && len(ref.Name) > 64 {
		c.fail(quote(*name), "functionName", "Member must have length less than or equal to 64")
	}
}

func (c *Constraints) qualified(name, query string) {
	c.writeName(&name)
	c.Required("qualifier", query != "")
	if query != "" {
		c.Length("qualifier", &query, 1, 128)
		c.Match("qualifier", &query, qualifier)
	}
}

func (c *Constraints) alias(name *string) {
	c.Length("name", name, 1, 128)
	c.Match("name", name, aliasName)
}

func (c *Constraints) version(version *string) {
	c.Length("functionVersion", version, 1, 1024)
	c.Match("functionVersion", version, functionVersion)
}

func (c *Constraints) routing(r *RoutingConfig) {
	if r != nil {
		c.Weights("routingConfig.additionalVersionWeights", r.AdditionalVersionWeights)
	}
}

// object checks how a request names code in S3; prefix is what its members have before their names.
func (c *Constraints) object(prefix string, bucket, key, version, mode *string) {
	c.Length(prefix+"s3Bucket", bucket, 3, 63)
	c.Match(prefix+"s3Bucket", bucket, bucketName)
	c.Length(prefix+"s3Key", key, 1, 1024)
	c.Length(prefix+"s3ObjectVersion", version, 1, 1024)
	c.Enum(prefix+"s3ObjectStorageMode", mode, "COPY", "REFERENCE")
}

func (c *Constraints) resource(arn string) {
	c.Length("resource", &arn, 1, 10000)
	c.Match("resource", &arn, taggableResource)
}

func (c *Constraints) architectures(list []string) {
	c.EnumList("architectures", list, 1, 1, "x86_64", "arm64")
}

func (c *Constraints) settings(s *FunctionSettings) {
	c.Match("role", s.Role, roleARN)
	c.Length("handler", s.Handler, 0, 128)
	if s.Handler != nil && *s.Handler != "" {
		c.Match("handler", s.Handler, handler)
	}
	c.Length("description", s.Description, 0, 256)
	c.Range("timeout", s.Timeout, lambda.MinTimeoutSeconds, lambda.MaxTimeoutSeconds)
	c.Range("memorySize", s.MemorySize, lambda.MinMemoryMB, lambda.MaxMemoryMB)
	c.layers(s.Layers)
	if s.Environment != nil {
		c.Variables("environment.variables", s.Environment.Variables)
	}
	if e := s.EphemeralStorage; e != nil {
		c.Required("ephemeralStorage.size", e.Size != nil)
		c.Range("ephemeralStorage.size", e.Size, lambda.MinEphemeralMB, lambda.MaxEphemeralMB)
	}
	if l := s.LoggingConfig; l != nil {
		c.Enum("loggingConfig.logFormat", l.LogFormat, "JSON", "Text")
		c.Enum("loggingConfig.applicationLogLevel", l.ApplicationLogLevel, "TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
		c.Enum("loggingConfig.systemLogLevel", l.SystemLogLevel, "DEBUG", "INFO", "WARN")
		c.Length("loggingConfig.logGroup", l.LogGroup, 1, 512)
		c.Match("loggingConfig.logGroup", l.LogGroup, logGroup)
	}
	if t := s.TracingConfig; t != nil {
		c.Enum("tracingConfig.mode", t.Mode, "Active", "PassThrough")
	}
	if d := s.DurableConfig; d != nil {
		c.Range("durableConfig.executionTimeout", d.ExecutionTimeout, 1, lambda.MaxExecutionSeconds)
		c.Range("durableConfig.retentionPeriodInDays", d.RetentionPeriodInDays, lambda.MinRetentionDays, lambda.MaxRetentionDays)
	}
	if a := s.SnapStart; a != nil {
		c.Enum("snapStart.applyOn", a.ApplyOn, "PublishedVersions", "None")
	}
}
