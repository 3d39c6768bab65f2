package lambda

// Values of Config.LogFormat and Config.Tracing, and the default of both log levels. Source: Lambda API, "LoggingConfig",
// "TracingConfig".
const (
	LogFormatText      = "Text"
	LogFormatJSON      = "JSON"
	LogLevelInfo       = "INFO"
	TracingActive      = "Active"
	TracingPassThrough = "PassThrough"
)

// DefaultLogGroup is the log group of a function that names none.
func DefaultLogGroup(function string) string { return "/aws/lambda/" + function }

// LogsJSON reports whether the function's log is of format JSON.
func (c *Config) LogsJSON() bool { return c.LogFormat == LogFormatJSON }
