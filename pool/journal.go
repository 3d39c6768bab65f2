package pool

import (
	"errors"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/logs"
	"thaw.dev/thaw/telemetry"
)

// Say reports an event of the environment's: to its log, and to extensions that subscribed.
func (e *Environment) Say(r telemetry.Record) { e.journal.Say(r) }

// openJournal lets the environment's log be what its function's configuration says.
func (e *Environment) openJournal() {
	fn := e.Function
	e.forward.session = func() *link.Session { return e.session }
	e.journal = telemetry.NewJournal(e.Log, telemetry.FormatOf(fn.LogFormat, fn.SystemLogLevel), &e.forward)
	if fn.LogsJSON() {
		least := telemetry.ParseLevel(fn.ApplicationLogLevel)
		e.Log.Keep(func(line []byte) bool {
			level, known := telemetry.LineLevel(line)
			return !known || level >= least
		})
	}
	e.Log.Tap(func(l logs.Event) { e.journal.Line(telemetry.ClassFunction, l.Time, l.Message) })
}

// Subscribe implements link.Subscribers.
func (e *Environment) Subscribe(s link.Subscription) bool { return e.journal.Subscribe(subscriber(s)) }

func subscriber(s link.Subscription) telemetry.Subscriber {
	return telemetry.Subscriber{ID: s.ID, Name: s.Name, Logs: s.Logs, RuntimeDone: s.RuntimeDone, Types: s.Types}
}

// flushTelemetry has subscribers get what they have not got yet, before nothing runs inside any more.
func (e *Environment) flushTelemetry() {
	if e.journal.Subscribed() {
		e.forward.flush()
	}
}

// phase is what an init before the first invocation is for.
func (e *Environment) phase() string {
	if e.sealed {
		return telemetry.PhaseSnapStart
	}
	return telemetry.PhaseInit
}

func (e *Environment) sayInitStart(phase string) {
	fn := e.Function
	e.Say(telemetry.InitStart{
		InitializationType: e.initType, Phase: phase,
		RuntimeVersion:    lambda.RuntimeVersion(fn.Runtime, e.launchAs.Version),
		RuntimeVersionARN: lambda.RuntimeVersionARN(e.launchAs.region, fn.Runtime),
		FunctionName:      fn.Name, FunctionVersion: fn.Version,
		FunctionARN: lambda.FunctionARN(e.launchAs.region, fn.Account, fn.Name, fn.Version),
		InstanceID:  e.ID(), InstanceMaxMemory: fn.MemoryMB,
	})
}

func (e *Environment) sayRestoreStart() {
	fn := e.Function
	e.Say(telemetry.RestoreStart{
		RuntimeVersion:    lambda.RuntimeVersion(fn.Runtime, e.launchAs.Version),
		RuntimeVersionARN: lambda.RuntimeVersionARN(e.launchAs.region, fn.Runtime),
		FunctionName:      fn.Name, FunctionVersion: fn.Version,
		FunctionARN: lambda.FunctionARN(e.launchAs.region, fn.Account, fn.Name, fn.Version),
		InstanceID:  e.ID(), InstanceMaxMemory: fn.MemoryMB,
	})
}

func (e *Environment) sayInitDone(phase string, took time.Duration, failure error) {
	status, errorType := InitStatus(failure)
	e.Say(telemetry.InitRuntimeDone{InitializationType: e.initType, Phase: phase, Status: status, ErrorType: errorType})
	if failure == nil || phase == telemetry.PhaseInvoke {
		e.sayInitReport(phase, took, failure)
	}
}

// SayInitFailed reports the init phase that failed before the environment's first invocation: it is part of that one's
// log. It does nothing if init did not fail.
func (e *Environment) SayInitFailed() {
	if e.InitFailure != nil && e.Source != SourceSnapshot {
		e.sayInitReport(e.phase(), e.Cold.Init, e.InitFailure)
	}
}

func (e *Environment) sayInitReport(phase string, took time.Duration, failure error) {
	status, errorType := InitStatus(failure)
	e.Say(telemetry.InitReport{
		InitializationType: e.initType, Phase: phase, Status: status, ErrorType: errorType,
		Metrics: telemetry.InitMetrics{Duration: telemetry.Millis(took.Round(time.Microsecond))},
	})
}

func (e *Environment) sayRestored(failure error) {
	status, errorType := InitStatus(failure)
	e.Say(telemetry.RestoreRuntimeDone{Status: status, ErrorType: errorType})
	e.Say(telemetry.RestoreReport{Status: status, ErrorType: errorType, Metrics: telemetry.InitMetrics{Duration: telemetry.Millis(e.Cold.Init)}})
}

// Error types that the platform itself gives. Source: AWS's Runtime Interface Emulator.
const (
	TypeExit    = "Runtime.ExitError"
	TypeUnknown = "Runtime.Unknown"
	TypeTimeout = "Sandbox.Timedout"
)

// InitStatus tells how an init ended that failed with failure, which may be nil: the words are fit for a log line,
// whatever the sandbox said.
func InitStatus(failure error) (status telemetry.Status, errorType string) {
	if failure == nil {
		return telemetry.Success, ""
	}
	if errors.Is(failure, link.ErrTimeout) {
		return telemetry.Timeout, ""
	}
	if e, ok := errors.AsType[*link.InitError](failure); ok {
		return telemetry.Error, CleanErrorType(e.ErrorType)
	}
	if e, ok := errors.AsType[*link.ExitError](failure); ok && e.StartError != "" {
		return telemetry.Error, CleanErrorType(e.StartError)
	}
	if e, ok := errors.AsType[*link.ExtensionError](failure); ok {
		return telemetry.Error, CleanErrorType(e.Type)
	}
	return telemetry.Error, TypeExit
}

// maxErrorType bounds an error type that a runtime made up, for log lines.
const maxErrorType = 128

// CleanErrorType makes an error type out of a sandbox fit for a log line; TypeUnknown if nothing is left of it.
func CleanErrorType(s string) string {
	out := make([]byte, 0, min(len(s), maxErrorType))
	for i := 0; i < len(s) && i < maxErrorType; i++ {
		if c := s[i]; c > ' ' && c < 0x7f {
			out = append(out, c)
		}
	}
	if len(out) == 0 {
		return TypeUnknown
	}
	return string(out)
}
