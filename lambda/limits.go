package lambda

import "time"

// Limits of the service. Source of each, where nothing else is said: AWS Lambda developer guide, "Lambda quotas".
const (
	// MaxSyncPayloadBytes is the largest request body of a synchronous invocation (6 MiB). Larger requests fail with
	// KindTooLarge before an environment is taken.
	MaxSyncPayloadBytes = 6 << 20
	// MaxResponseBytes is the largest answer of a buffered invocation (6 MiB + 100 bytes). A larger one fails the
	// invocation with Function.ResponseSizeTooLarge; the environment lives on. Source: recordings of AWS answers.
	MaxResponseBytes = 6<<20 + 100
	// MaxClientContextBytes is the largest X-Amz-Client-Context header, still base64-encoded.
	MaxClientContextBytes = 3583
	// LogTailBytes is how much of the invocation's log the X-Amz-Log-Result header carries.
	LogTailBytes = 4 << 10

	// InitTimeout bounds the init phase of an on-demand environment.
	InitTimeout = 10 * time.Second

	// MinTimeoutSeconds, MaxTimeoutSeconds and DefaultTimeoutSeconds bound Config.TimeoutSeconds.
	MinTimeoutSeconds     = 1
	MaxTimeoutSeconds     = 900
	DefaultTimeoutSeconds = 3
	// MinMemoryMB, MaxMemoryMB and DefaultMemoryMB bound Config.MemoryMB. A Lambda MB is 2^20 bytes.
	MinMemoryMB     = 128
	MaxMemoryMB     = 10240
	DefaultMemoryMB = 128
	// RequestsPerConcurrency is how many synchronous invocations may begin in a second for each that may run at once. Source: AWS
	// Lambda developer guide, "Understanding concurrency", requests per second.
	RequestsPerConcurrency = 10
	// TenantEnvironmentsPer1000 is how many environments of an account may be bound to tenants, busy or idle, for each 1,000 of its
	// concurrency. Source: AWS Lambda developer guide, "Tenant isolation".
	TenantEnvironmentsPer1000 = 2500
	// MemoryMBPerCPU is the memory that comes with one whole vCPU; a function's CPU share is MemoryMB divided by it.
	MemoryMBPerCPU = 1769
	// MinEphemeralMB, MaxEphemeralMB and DefaultEphemeralMB bound Config.EphemeralMB, the size of /tmp.
	MinEphemeralMB     = 512
	MaxEphemeralMB     = 10240
	DefaultEphemeralMB = 512

	// MaxEnvironmentBytes bounds the JSON text of a function's environment variables.
	MaxEnvironmentBytes = 4096
	// MaxZipBytes is the largest deployment package sent inside a request, before base64.
	MaxZipBytes = 50 << 20
	// MaxZipFromS3Bytes is the largest deployment package that comes from S3. Lambda names no limit of its own for it;
	// a useful zip is not larger than what is in it.
	MaxZipFromS3Bytes = MaxUnzippedBytes
	// MaxUnzippedBytes is the largest unpacked deployment package, layers included.
	MaxUnzippedBytes = 262144000
	// MaxTags is the number of tags a function may carry.
	MaxTags = 50
	// MaxOpenFiles and MaxProcesses are the limits of file descriptors, and of processes and threads, inside one
	// execution environment.
	MaxOpenFiles = 1024
	MaxProcesses = 1024

	// AccountConcurrency is the default number of concurrent executions of an account.
	AccountConcurrency = 1000
	// MinUnreserved is how much of the account's concurrency cannot be reserved.
	MinUnreserved = 100
	// ScalingRate is by how many environments one function may grow in ScalingWindow. Source: AWS Lambda developer
	// guide, "Understanding concurrency scaling".
	ScalingRate   = 1000
	ScalingWindow = 10 * time.Second
	// MaxCodeStorageBytes is the default total size of an account's deployment packages (75 GB).
	MaxCodeStorageBytes = 75 << 30
)

// Latest is the name of the unpublished version of a function.
const Latest = "$LATEST"

// CPUMillis is the share of CPU, in thousandths of one vCPU, that goes with memoryMB: 1,769 MB is one vCPU.
func CPUMillis(memoryMB int) int {
	return max(1, memoryMB*1000/MemoryMBPerCPU)
}
