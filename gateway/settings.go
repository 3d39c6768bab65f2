package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// settings converts what CreateFunction and UpdateFunctionConfiguration share. Settings that Thaw cannot enforce yet
// are refused by name; their values that change nothing are accepted.
func settings(s *api.FunctionSettings) (control.Settings, error) {
	if what := unenforced(s); what != "" {
		return control.Settings{}, api.NotYet(what)
	}
	out := control.Settings{
		Role: s.Role, Runtime: s.Runtime, Handler: s.Handler, Description: s.Description,
		Timeout: s.Timeout, MemoryMB: s.MemorySize,
	}
	if s.EphemeralStorage != nil {
		out.EphemeralMB = s.EphemeralStorage.Size
	}
	if s.Environment != nil {
		if out.Environment = s.Environment.Variables; out.Environment == nil {
			out.Environment = map[string]string{} // an empty object clears
		}
	}
	if l := s.LoggingConfig; l != nil {
		if out.LogGroup = l.LogGroup; out.LogGroup == nil {
			out.LogGroup = new(string)
		}
	}
	if s.SnapStart != nil && s.SnapStart.ApplyOn != nil {
		out.SnapStart = new(lambda.SnapStart(*s.SnapStart.ApplyOn))
	}
	return out, nil
}

// unenforced names the first setting of s that asks for what Thaw does not do yet; "" if there is none.
func unenforced(s *api.FunctionSettings) string {
	switch {
	case len(s.Layers) > 0:
		return "Layers"
	case s.VpcConfig != nil && (len(s.VpcConfig.SubnetIds) > 0 || len(s.VpcConfig.SecurityGroupIds) > 0 || is(s.VpcConfig.Ipv6AllowedForDualStack)):
		return "VpcConfig"
	case len(s.FileSystemConfigs) > 0:
		return "FileSystemConfigs"
	case given(s.KMSKeyArn):
		return "KMSKeyArn"
	case s.DeadLetterConfig != nil && given(s.DeadLetterConfig.TargetArn):
		return "DeadLetterConfig"
	case s.TracingConfig != nil && value(s.TracingConfig.Mode) == "Active":
		return "TracingConfig with Mode Active"
	case s.ImageConfig != nil && (len(s.ImageConfig.EntryPoint) > 0 || len(s.ImageConfig.Command) > 0 || given(s.ImageConfig.WorkingDirectory)):
		return "ImageConfig"
	case s.DurableConfig != nil:
		return "DurableConfig"
	case s.CapacityProviderConfig != nil:
		return "CapacityProviderConfig"
	case s.LoggingConfig != nil && value(s.LoggingConfig.LogFormat) == "JSON":
		return "LoggingConfig with LogFormat JSON"
	case s.LoggingConfig != nil && given(s.LoggingConfig.ApplicationLogLevel):
		return "LoggingConfig with an ApplicationLogLevel"
	case s.LoggingConfig != nil && given(s.LoggingConfig.SystemLogLevel):
		return "LoggingConfig with a SystemLogLevel"
	}
	return ""
}

// source returns the zip of a request's code, nil if there is none, or refuses where else the code is to come from.
func source(code *api.FunctionCode) ([]byte, error) {
	switch {
	case given(code.S3Bucket), given(code.S3Key), given(code.S3ObjectVersion):
		return nil, api.NotYet("Code from S3 (S3Bucket)")
	case value(code.S3ObjectStorageMode) == "REFERENCE":
		return nil, api.NotYet("S3ObjectStorageMode REFERENCE")
	case given(code.ImageUri):
		return nil, api.NotYet("Code from a container image (ImageUri)")
	case given(code.SourceKMSKeyArn):
		return nil, api.NotYet("SourceKMSKeyArn")
	}
	return code.ZipFile, nil
}

// native refuses an architecture that is not this host's.
func native(architectures []string) error {
	if len(architectures) > 0 && architectures[0] != architecture() {
		return api.NotYet("Architectures with " + architectures[0] + ", on this host of " + architecture() + ",")
	}
	return nil
}

func is(b *bool) bool { return b != nil && *b }

func given(s *string) bool { return s != nil && *s != "" }

func value(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
