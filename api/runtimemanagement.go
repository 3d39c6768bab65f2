package api

// PutRuntimeManagementRequest is the body of PutRuntimeManagementConfig.
type PutRuntimeManagementRequest struct {
	UpdateRuntimeOn   *string
	RuntimeVersionArn *string
}

// Check is the constraint layer.
func (r *PutRuntimeManagementRequest) Check() error {
	var c Constraints
	c.Required("updateRuntimeOn", r.UpdateRuntimeOn != nil)
	c.Enum("updateRuntimeOn", r.UpdateRuntimeOn, "Auto", "Manual", "FunctionUpdate")
	c.Length("runtimeVersionArn", r.RuntimeVersionArn, 26, 2048)
	c.Match("runtimeVersionArn", r.RuntimeVersionArn, runtimeVersion)
	return c.Err()
}

// runtimeVersion is the ARN of a version of a runtime.
var runtimeVersion = newPattern(`arn:(aws[a-zA-Z-]*):lambda:[a-z]{2}((-gov)|(-iso(b?)))?-[a-z]+-\d{1}::runtime:.+`)

// RuntimeManagementAnswer is the body of both operations.
type RuntimeManagementAnswer struct {
	FunctionArn       string
	RuntimeVersionArn string `json:",omitempty"`
	UpdateRuntimeOn   string
}
