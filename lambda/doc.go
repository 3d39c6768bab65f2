// Package lambda holds the nouns of AWS Lambda as Thaw uses them: a function's configuration, its ARN, the service
// limits, the runtimes' names, and the kinds of error a caller can meet.
//
// It knows no wire format (package api does), does no I/O and imports the standard library only. Everything above it
// shares these types; nothing in it changes after it was handed out: a *Config is replaced, never modified in place.
package lambda
