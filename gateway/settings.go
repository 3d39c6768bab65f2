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
		Layers: s.Layers,
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
		out.LogGroup, out.LogFormat = l.LogGroup, l.LogFormat
		out.ApplicationLogLevel, out.SystemLogLevel = l.ApplicationLogLevel, l.SystemLogLevel
	}
	if d := s.DurableConfig; d != nil {
		out.Durable = &control.DurableSettings{ExecutionTimeout: d.ExecutionTimeout, RetentionDays: d.RetentionPeriodInDays}
	}
	if s.TracingConfig != nil {
		out.Tracing = s.TracingConfig.Mode
	}
	if d := s.DeadLetterConfig; d != nil {
		if out.DeadLetter = d.TargetArn; out.DeadLetter == nil {
			out.DeadLetter = new(string)
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
	case s.VpcConfig != nil && (len(s.VpcConfig.SubnetIds) > 0 || len(s.VpcConfig.SecurityGroupIds) > 0 || is(s.VpcConfig.Ipv6AllowedForDualStack)):
		return "VpcConfig"
	case len(s.FileSystemConfigs) > 0:
		return "FileSystemConfigs"
	case given(s.KMSKeyArn):
		return "KMSKeyArn"
	case s.ImageConfig != nil && (len(s.ImageConfig.EntryPoint) > 0 || len(s.ImageConfig.Command) > 0 || given(s.ImageConfig.WorkingDirectory)):
		return "ImageConfig"
	case s.DurableConfig != nil && given(s.DurableConfig.KMSKeyArn):
		return "DurableConfig.KMSKeyArn"
	case s.CapacityProviderConfig != nil:
		return "CapacityProviderConfig"
	}
	return ""
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
