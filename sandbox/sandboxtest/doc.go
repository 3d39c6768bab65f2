// Package sandboxtest is the conformance suite that every engine passes, and the guest program it runs inside. An
// engine's test calls Run with a factory; what the engine's capabilities leave out is skipped by looking at them.
package sandboxtest
