package lambda

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strings"
)

// Family groups runtimes that share a bootstrap.
type Family string

// Families of runtimes that Thaw knows how to start.
const (
	FamilyPython   Family = "python"   // bundled bootstrap, speaks frames
	FamilyNode     Family = "nodejs"   // bundled bootstrap, speaks frames
	FamilyProvided Family = "provided" // the package's own bootstrap, speaks the Runtime API
)

var (
	pythonRuntime = regexp.MustCompile(`^python3\.[0-9]{1,2}$`)
	nodeRuntime   = regexp.MustCompile(`^nodejs[0-9]{1,2}\.x$`)
)

// RuntimeFamily tells which bootstrap starts the named runtime, e.g. "nodejs20.x"; false if Thaw cannot run it.
// Names are case-sensitive. Source: AWS Lambda developer guide, "Lambda runtimes".
func RuntimeFamily(name string) (Family, bool) {
	switch {
	case pythonRuntime.MatchString(name):
		return FamilyPython, true
	case nodeRuntime.MatchString(name):
		return FamilyNode, true
	case name == "provided.al2023", name == "provided.al2":
		return FamilyProvided, true
	}
	return "", false
}

// reserved are the environment variables a function's configuration must not set.
// Source: AWS Lambda developer guide, "Defined runtime environment variables".
var reserved = map[string]bool{
	"_HANDLER": true, "AWS_LAMBDA_RUNTIME_API": true, "AWS_REGION": true, "AWS_DEFAULT_REGION": true,
	"AWS_ACCESS_KEY_ID": true, "AWS_SECRET_ACCESS_KEY": true, "AWS_SESSION_TOKEN": true,
	"AWS_ACCESS_KEY": true, "AWS_SECRET_KEY": true, "AWS_SECURITY_TOKEN": true,
	"AWS_CONTAINER_CREDENTIALS_FULL_URI": true, "AWS_CONTAINER_AUTHORIZATION_TOKEN": true,
	"AWS_LAMBDA_FUNCTION_NAME": true, "AWS_LAMBDA_FUNCTION_VERSION": true, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": true,
	"AWS_LAMBDA_LOG_GROUP_NAME": true, "AWS_LAMBDA_LOG_STREAM_NAME": true, "AWS_LAMBDA_INITIALIZATION_TYPE": true,
	"AWS_LAMBDA_METADATA_API": true, "AWS_LAMBDA_METADATA_TOKEN": true, "AWS_LAMBDA_MAX_CONCURRENCY": true,
	"AWS_EXECUTION_ENV": true, "LAMBDA_TASK_ROOT": true, "LAMBDA_RUNTIME_DIR": true, "_X_AMZN_TRACE_ID": true,
	"_AWS_XRAY_DAEMON_ADDRESS": true, "_AWS_XRAY_DAEMON_PORT": true,
}

// ReservedVariable reports whether name belongs to the platform, so that a function's configuration must not set it.
func ReservedVariable(name string) bool {
	return reserved[name]
}

// ExecutionEnv is the value of AWS_EXECUTION_ENV for a runtime, "" for custom runtimes.
func ExecutionEnv(runtime string) string {
	if strings.HasPrefix(runtime, "provided") {
		return ""
	}
	return "AWS_Lambda_" + runtime
}

// RuntimeVersionARN names a runtime the way the API does; the 64 digits stand for its name.
func RuntimeVersionARN(region, name string) string {
	sum := sha256.Sum256([]byte(name))
	return "arn:aws:lambda:" + region + "::runtime:" + hex.EncodeToString(sum[:])
}

// RuntimeVersion is how log lines name a runtime: "python:3.11.7". version is the interpreter's, "" for custom runtimes,
// which are named after their operating system: "provided:al2023".
func RuntimeVersion(name, version string) string {
	if system, custom := strings.CutPrefix(name, "provided."); custom {
		return "provided:" + system
	}
	family, _ := RuntimeFamily(name)
	if version == "" {
		version = strings.TrimSuffix(strings.TrimPrefix(name, string(family)), ".x")
	}
	return string(family) + ":" + version
}

// SnapshotsOffered returns nil if functions of the named runtime may start from snapshots of their initialised process,
// else an error of KindInvalid for the caller. Node.js is left out, on AWS too: the random numbers of restored copies
// would repeat, and V8 has no way to reseed them. The image of the runtime need not exist. Source of the text: answers
// of AWS Lambda.
func SnapshotsOffered(name string) error {
	switch family, _ := RuntimeFamily(name); family {
	case FamilyPython, FamilyProvided:
		return nil
	}
	return Errorf(KindInvalid, "%s is not supported for SnapStart enabled functions.", name)
}
