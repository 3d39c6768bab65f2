// Package telemetry holds what the platform says about an execution environment: typed events, their JSON, their lines
// of text, the level each has, and the way they all take, the Journal.
//
// It owns no transport. A Journal writes lines to the environment's log, and, while an extension is subscribed, hands
// records to whoever brings them into the sandbox (Forwarder). What a function prints is not here: package logs has it;
// of that a Journal only makes records for subscribers.
//
// # Life cycle
//
// An environment has one Journal from its creation to its end. From Open until Settle it keeps what is said, within
// bounds, because an extension that subscribes during init is told of what came before. After Settle it keeps nothing;
// without a subscriber an event then costs its line in the log and one atomic load.
//
// # Sources
//
// Types and members: AWS Lambda developer guide, "Lambda Telemetry API Event schema reference" and "Logs API". Lines of
// text: recordings of AWS logs. Levels: the guide's "System log level event mapping".
package telemetry
