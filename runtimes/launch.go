package runtimes

import (
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/runtimes/nodejs"
	"thaw.dev/thaw/runtimes/python"
)

// Paths inside every image.
const (
	AgentPath  = "/thaw/agent"  // PID 1
	TaskRoot   = "/var/task"    // where the deployment package is attached
	RuntimeDir = "/var/runtime" // our bootstrap
	LayerRoot  = "/opt"
)

// The user that runtimes run as. Source: AWS Lambda, `id` inside a function.
const (
	UserName = "sbx_user1051"
	UserID   = 993
	GroupID  = 990
)

// Image is a runtime's image, ready to be the root of a sandbox.
type Image struct {
	Name    string // the runtime, e.g. "nodejs20.x"
	Family  lambda.Family
	Path    string // absolute host path of the EROFS file
	Digest  string // its key: equal digests are equal images
	Version string // the interpreter's, e.g. "20.19.2"; "" for provided
}

// Kind is how the runtime process speaks with the host, for link.StartRequest.
func (i Image) Kind() string {
	if i.Family == lambda.FamilyProvided {
		return link.KindHTTP
	}
	return link.KindFrames
}

// Argv is the argument vector that starts the runtime process inside the image; its working directory is TaskRoot. It
// is the same for every function, so that the process can be there before its function is known.
func (i Image) Argv() []string {
	switch i.Family {
	case lambda.FamilyPython:
		return []string{"/var/lang/bin/" + i.Name, RuntimeDir + "/" + python.Entry}
	case lambda.FamilyNode:
		return append(append([]string{"/var/lang/bin/node"}, nodejs.Flags...), RuntimeDir+"/"+nodejs.Entry)
	default:
		return []string{TaskRoot + "/bootstrap"}
	}
}

// Env is what a runtime's environment starts with; a function's own variables replace these where Lambda lets them
// (see lambda.ReservedVariable). Source of names and values: AWS Lambda developer guide, "Defined runtime environment
// variables", and answers of AWS Lambda.
func (i Image) Env() map[string]string {
	env := map[string]string{
		"LANG":               "en_US.UTF-8",
		"TZ":                 ":UTC",
		"PATH":               "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
		"LD_LIBRARY_PATH":    "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
		"LAMBDA_TASK_ROOT":   TaskRoot,
		"LAMBDA_RUNTIME_DIR": RuntimeDir,
	}
	if v := lambda.ExecutionEnv(i.Name); v != "" {
		env["AWS_EXECUTION_ENV"] = v
	}
	switch i.Family {
	case lambda.FamilyPython:
		env["PYTHONPATH"] = RuntimeDir
	case lambda.FamilyNode:
		major := "node" + strings.TrimSuffix(strings.TrimPrefix(i.Name, "nodejs"), ".x")
		env["NODE_PATH"] = "/opt/nodejs/" + major + "/node_modules:/opt/nodejs/node_modules:" +
			"/var/runtime/node_modules:/var/runtime:/var/task"
	}
	return env
}

// wrapperVariable names the script that a function has its runtime started through.
// Source: AWS Lambda developer guide, "Modifying the runtime environment".
const wrapperVariable = "AWS_LAMBDA_EXEC_WRAPPER"

// wrapperCheck is what stands before a wrapper script: Amazon's managed runtimes say the same of one that cannot be
// started, and end with the same status. A script without an interpreter line is run by sh.
const wrapperCheck = `[ -f "$0" ] || { echo "$0: does not exist"; exit 127; }
[ -x "$0" ] || { echo "$0: is not an executable"; exit 126; }
exec "$0" "$@"`

// Wrapper is the command in front of Argv for a function whose configuration sets env; nil if there is none. A package's
// own bootstrap is never wrapped.
func (i Image) Wrapper(env map[string]string) []string {
	script := env[wrapperVariable]
	if script == "" || i.Family == lambda.FamilyProvided {
		return nil
	}
	return []string{"/bin/sh", "-c", wrapperCheck, script}
}
