package telemetry

import "bytes"

// Level is a log level, ordered: the greater, the graver.
type Level int

// Levels. Of system events there are Debug, Info and Warn.
const (
	Trace Level = iota + 1
	Debug
	Info
	Warn
	Err
	Fatal
	Never Level = 0 // of an event that no log of format JSON has
)

// ParseLevel returns the level called name in a function's LoggingConfig; Info for any other name, "" among them.
func ParseLevel(name string) Level {
	switch name {
	case "TRACE":
		return Trace
	case "DEBUG":
		return Debug
	case "WARN":
		return Warn
	case "ERROR":
		return Err
	case "FATAL":
		return Fatal
	}
	return Info
}

// worse is Warn for what went wrong, else fine.
func worse(s Status, fine Level) Level {
	if s != Success && s != "" {
		return Warn
	}
	return fine
}

// LineLevel is the level of a line that a function printed, false if it has none: only a JSON object says one, in its
// member "level", and only one with a "timestamp" is taken at its word. It looks at the object's beginning and is made to
// be cheap rather than to understand all of JSON: a line it cannot read has no level. Source: AWS Lambda developer guide,
// "Log-level filtering": other records count as INFO.
func LineLevel(line []byte) (Level, bool) {
	line = bytes.TrimSpace(line)
	if len(line) < 2 || line[0] != '{' || line[len(line)-1] != '}' || !bytes.Contains(line, []byte(`"timestamp"`)) {
		return 0, false
	}
	_, rest, found := bytes.Cut(line, []byte(`"level"`))
	if !found {
		return 0, false
	}
	rest = bytes.TrimLeft(rest, " \t")
	rest, found = bytes.CutPrefix(rest, []byte(":"))
	if !found {
		return 0, false
	}
	rest, found = bytes.CutPrefix(bytes.TrimLeft(rest, " \t"), []byte(`"`))
	name, _, closed := bytes.Cut(rest, []byte(`"`))
	if !found || !closed || len(name) > 8 {
		return 0, false
	}
	switch string(bytes.ToUpper(name)) {
	case "TRACE":
		return Trace, true
	case "DEBUG":
		return Debug, true
	case "INFO":
		return Info, true
	case "WARN", "WARNING":
		return Warn, true
	case "ERROR":
		return Err, true
	case "FATAL", "CRITICAL":
		return Fatal, true
	}
	return 0, false
}
