package client

import (
	"context"
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
)

const functionsPath = "/2015-03-31/functions"

// FunctionConfiguration is what the server tells about a function.
type FunctionConfiguration = api.FunctionConfiguration

// CreateFunctionInput describes a new function. Zero members are left to the server's defaults.
type CreateFunctionInput struct {
	FunctionName     string
	Runtime          string            // e.g. "python3.11"
	Role             string            // ARN
	Handler          string            `json:",omitempty"`
	Description      string            `json:",omitempty"`
	Timeout          int               `json:",omitempty"` // seconds
	MemorySize       int               `json:",omitempty"` // MB
	EphemeralStorage *EphemeralStorage `json:",omitempty"`
	Environment      *Environment      `json:",omitempty"`
	SnapStart        *SnapStart        `json:",omitempty"`
	Layers           []string          `json:",omitempty"` // ARNs of layer versions
	LoggingConfig    *LoggingConfig    `json:",omitempty"`
	TracingConfig    *TracingConfig    `json:",omitempty"`
	Tags             map[string]string `json:",omitempty"`
	DurableConfig    *DurableConfig    `json:",omitempty"`
	Code             CodeInput
}

// CodeInput is a deployment package.
type CodeInput struct {
	ZipFile []byte // the zip; base64 on the wire
}

// Environment holds a function's environment variables.
type Environment struct {
	Variables map[string]string
}

// SnapStart is when snapshots of an initialised function are made.
type SnapStart struct {
	ApplyOn string // "PublishedVersions" or "None"
}

// LoggingConfig says how and where a function logs. Empty members are left to the server's defaults, or stay.
type LoggingConfig struct {
	LogFormat           string `json:",omitempty"` // "JSON" or "Text"
	ApplicationLogLevel string `json:",omitempty"` // TRACE to FATAL; with JSON
	SystemLogLevel      string `json:",omitempty"` // DEBUG, INFO or WARN; with JSON
	LogGroup            string `json:",omitempty"`
}

// TracingConfig is whether invocations are sampled.
type TracingConfig struct {
	Mode string // "Active" or "PassThrough"
}

// DurableConfig makes a function durable. Zero members are left to the server's defaults.
type DurableConfig struct {
	ExecutionTimeout      int `json:",omitempty"` // seconds
	RetentionPeriodInDays int `json:",omitempty"`
}

// EphemeralStorage is the size of /tmp in MB.
type EphemeralStorage struct {
	Size int
}

// UpdateFunctionConfigurationInput holds the settings to change; nil members stay as they are.
type UpdateFunctionConfigurationInput struct {
	Runtime          *string           `json:",omitempty"`
	Role             *string           `json:",omitempty"`
	Handler          *string           `json:",omitempty"`
	Description      *string           `json:",omitempty"`
	Timeout          *int              `json:",omitempty"` // seconds
	MemorySize       *int              `json:",omitempty"` // MB
	EphemeralStorage *EphemeralStorage `json:",omitempty"`
	Environment      *Environment      `json:",omitempty"`
	SnapStart        *SnapStart        `json:",omitempty"`
	Layers           *[]string         `json:",omitempty"` // ARNs of layer versions; empty, not nil: none
	LoggingConfig    *LoggingConfig    `json:",omitempty"`
	TracingConfig    *TracingConfig    `json:",omitempty"`
	RevisionId       string            `json:",omitempty"` //nolint:revive // the wire's spelling
}

// GetFunctionOutput is a function with its tags and a URL from which its code can be fetched for some minutes.
type GetFunctionOutput = api.GetFunctionAnswer

// CreateFunction creates a function. It answers while the function is still Pending: WaitActive waits.
func (c *Client) CreateFunction(ctx context.Context, in CreateFunctionInput) (FunctionConfiguration, error) {
	var out FunctionConfiguration
	err := c.doJSON(ctx, call{method: http.MethodPost, path: functionsPath}, in, &out)
	return out, err
}

// UpdateFunctionCode replaces a function's code with the given zip. WaitActive waits until it serves.
func (c *Client) UpdateFunctionCode(ctx context.Context, function string, zip []byte) (FunctionConfiguration, error) {
	var out FunctionConfiguration
	err := c.doJSON(ctx, call{method: http.MethodPut, path: functionPath(function, "/code")}, CodeInput{zip}, &out)
	return out, err
}

// UpdateFunctionConfiguration changes a function's settings. WaitActive waits until they are in force.
func (c *Client) UpdateFunctionConfiguration(ctx context.Context, function string, in UpdateFunctionConfigurationInput) (FunctionConfiguration, error) {
	var out FunctionConfiguration
	err := c.doJSON(ctx, call{method: http.MethodPut, path: functionPath(function, "/configuration")}, in, &out)
	return out, err
}

// GetFunction returns a function. function is a name, a partial or a full ARN, here and in every other call.
func (c *Client) GetFunction(ctx context.Context, function string) (GetFunctionOutput, error) {
	var out GetFunctionOutput
	err := c.doJSON(ctx, call{method: http.MethodGet, path: functionPath(function, "")}, nil, &out)
	return out, err
}

// GetFunctionConfiguration returns a function's settings.
func (c *Client) GetFunctionConfiguration(ctx context.Context, function string) (FunctionConfiguration, error) {
	var out FunctionConfiguration
	err := c.doJSON(ctx, call{method: http.MethodGet, path: functionPath(function, "/configuration")}, nil, &out)
	return out, err
}

// listPage is how many functions a page has at most. Source: Lambda API, ListFunctions, "MaxItems".
const listPage = 50

// ListFunctions returns all functions of the account, page after page, sorted by name.
func (c *Client) ListFunctions(ctx context.Context) ([]FunctionConfiguration, error) {
	var all []FunctionConfiguration
	for marker := ""; ; {
		q := query{{"MaxItems", strconv.Itoa(listPage)}}
		if marker != "" {
			q = append(q, header{"Marker", marker})
		}
		var page api.ListFunctionsAnswer
		if err := c.doJSON(ctx, call{method: http.MethodGet, path: functionsPath, query: q}, nil, &page); err != nil {
			return nil, err
		}
		all = append(all, page.Functions...)
		if marker = page.NextMarker; marker == "" {
			return all, nil
		}
	}
}

// DeleteFunction deletes a function.
func (c *Client) DeleteFunction(ctx context.Context, function string) error {
	return c.doJSON(ctx, call{method: http.MethodDelete, path: functionPath(function, "")}, nil, nil)
}
