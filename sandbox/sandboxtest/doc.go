// Package sandboxtest is the conformance suite that every engine passes, and the guest program it runs inside. An
// engine's test calls Run with a factory; cases that need an ability which the engine says it lacks are left out.
package sandboxtest
