// Package telemetryapi is the Telemetry API, and the older Logs API, inside a sandbox: extensions subscribe, and get what
// the host sends for them by HTTP or TCP to a port of theirs.
//
// # Life cycle
//
// Each start of the runtime has a Server. Serve answers calls, whose callers somebody else has identified; the host
// decides whether a subscription is taken, which it is during init only. Deliver queues an event and never waits. Each
// subscriber has one goroutine that delivers, from its first subscription to Close.
//
// # Delivery
//
// Events are collected until there are maxItems or maxBytes of them or the first is timeoutMs old, as the subscriber
// asked, and then go out in order. Flush sends at once what is there: the host asks for that before it freezes the
// sandbox. Every subscriber has a bounded queue. What does not fit, or cannot be delivered when its turn comes, is lost, and
// the subscriber is told so by platform.logsDropped if it wants platform events. A batch whose connection ended without
// an answer is sent again, once. As on AWS an extension cannot rely on
// having an invocation's events when it asks for the next one; it gets them then or after the next thaw.
//
// # Trust
//
// Everything in calls and answers is hostile input: it is bounded before it is kept. Connections go to the loopback
// interface only.
package telemetryapi
