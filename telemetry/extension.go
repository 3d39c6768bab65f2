package telemetry

import (
	"fmt"
	"strings"
)

// Extension says what became of an extension.
type Extension struct {
	Name      string   `json:"name"`
	State     string   `json:"state"`  // "Ready", or what went wrong: "LaunchError", "RegisterFailed", …
	Events    []string `json:"events"` // it registered for
	ErrorType string   `json:"errorType,omitempty"`
}

// Type implements Record.
func (Extension) Type() string { return "platform.extension" }

// Text implements Record.
func (r Extension) Text() string {
	line := fmt.Sprintf("EXTENSION\tName: %s\tState: %s\tEvents: [%s]", r.Name, r.State, strings.Join(r.Events, ", "))
	if r.ErrorType != "" {
		line += "\tError Type: " + r.ErrorType
	}
	return line
}

// Level implements Record.
func (r Extension) Level() Level {
	if r.ErrorType != "" {
		return Warn
	}
	return Info
}

// Subscription says that an extension subscribed to telemetry, or, with Logs, to the older Logs API.
type Subscription struct {
	Name  string   `json:"name"`
	State string   `json:"state"` // "Subscribed"
	Types []string `json:"types"`
	Logs  bool     `json:"-"`
}

// Type implements Record.
func (r Subscription) Type() string {
	if r.Logs {
		return "platform.logsSubscription"
	}
	return "platform.telemetrySubscription"
}

// Text implements Record.
func (r Subscription) Text() string {
	what := "TELEMETRY"
	if r.Logs {
		what = "LOGS"
	}
	return fmt.Sprintf("%s\tName: %s\tState: %s\tTypes: [%s]", what, r.Name, r.State, strings.Join(r.Types, ", "))
}

// Level implements Record.
func (Subscription) Level() Level { return Info }

// LogsDropped says that subscribers missed something because they, or the sandbox, were too slow.
type LogsDropped struct {
	Records int    `json:"droppedRecords"`
	Bytes   int    `json:"droppedBytes"`
	Reason  string `json:"reason"`
}

// Type implements Record.
func (LogsDropped) Type() string { return "platform.logsDropped" }

// Text implements Record.
func (LogsDropped) Text() string { return "" }

// Level implements Record.
func (LogsDropped) Level() Level { return Warn }
