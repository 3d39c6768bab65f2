package gateway

import (
	"cmp"
	"runtime"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// architecture is this host's, in the API's words: code runs on it natively or not at all.
func architecture() string {
	if runtime.GOARCH == "arm64" {
		return "arm64"
	}
	return "x86_64"
}

// configuration is how the API shows f. qualifier is the caller's, "" leaves the ARN unqualified.
func (c *call) configuration(f *lambda.Config, qualifier string) api.FunctionConfiguration {
	a := c.summary(f, qualifier)
	a.State, a.StateReason, a.StateReasonCode = string(f.State), f.StateReason, f.StateReasonCode
	a.LastUpdateStatus, a.LastUpdateReason, a.LastUpdateReasonCode = string(f.UpdateStatus), f.UpdateReason, f.UpdateReasonCode
	a.RuntimeVersionConfig = &api.RuntimeVersionConfig{RuntimeVersionArn: lambda.RuntimeVersionARN(c.region, f.Runtime)}
	return a
}

// summary is configuration without state and runtime version, as lists have it.
func (c *call) summary(f *lambda.Config, qualifier string) api.FunctionConfiguration {
	a := api.FunctionConfiguration{
		FunctionName:     f.Name,
		FunctionArn:      lambda.FunctionARN(c.region, f.Account, f.Name, qualifier),
		Runtime:          f.Runtime,
		Role:             f.Role,
		Handler:          f.Handler,
		CodeSize:         f.Code.Size,
		Description:      f.Description,
		Timeout:          f.Timeout,
		MemorySize:       f.MemoryMB,
		LastModified:     api.FormatTimestamp(f.LastModified),
		CodeSha256:       f.Code.Base64(),
		Version:          f.Version,
		TracingConfig:    api.TracingConfigAnswer{Mode: cmp.Or(f.Tracing, lambda.TracingPassThrough)},
		RevisionId:       f.RevisionID,
		PackageType:      "Zip",
		Architectures:    []string{architecture()},
		EphemeralStorage: api.EphemeralStorageAnswer{Size: f.EphemeralMB},
		SnapStart:        snapStart(f),
		LoggingConfig:    loggingConfig(f),
	}
	for _, l := range f.Layers {
		a.Layers = append(a.Layers, api.FunctionLayer{Arn: l.ARN, CodeSize: l.Code.Size})
	}
	a.DurableConfig = durableConfig(f.Durable)
	if f.Tenancy != "" {
		a.TenancyConfig = &api.TenancyConfigAnswer{TenantIsolationMode: f.Tenancy}
	}
	if f.DeadLetterTarget != "" {
		a.DeadLetterConfig = &api.DeadLetterConfig{TargetArn: &f.DeadLetterTarget}
	}
	if f.Environment != nil {
		a.Environment = &api.EnvironmentAnswer{Variables: f.Environment}
	}
	return a
}

func durableConfig(d *lambda.Durable) *api.DurableConfigAnswer {
	if d == nil {
		return nil
	}
	return &api.DurableConfigAnswer{RetentionPeriodInDays: d.RetentionDays, ExecutionTimeout: d.ExecutionTimeout}
}

func loggingConfig(f *lambda.Config) api.LoggingConfigAnswer {
	a := api.LoggingConfigAnswer{LogFormat: lambda.LogFormatText, LogGroup: f.LogGroup}
	if f.LogsJSON() {
		a.LogFormat = lambda.LogFormatJSON
		a.ApplicationLogLevel = cmp.Or(f.ApplicationLogLevel, lambda.LogLevelInfo)
		a.SystemLogLevel = cmp.Or(f.SystemLogLevel, lambda.LogLevelInfo)
	}
	return a
}

func snapStart(f *lambda.Config) api.SnapStartAnswer {
	a := api.SnapStartAnswer{ApplyOn: string(lambda.SnapStartNone), OptimizationStatus: "Off"}
	if f.SnapStart != "" {
		a.ApplyOn = string(f.SnapStart)
	}
	if f.Optimized {
		a.OptimizationStatus = "On"
	}
	return a
}
