package extensions

import (
	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// maxErrorType bounds the error type that an extension names.
const maxErrorType = 256

// fail is POST /2020-01-01/extension/init/error and …/exit/error: the extension cannot go on, and will exit. The body,
// an error object, is for nobody.
func (r *Registry) fail(req *http1.Request, as call) http1.Answer {
	e, refusal := r.Caller(req)
	if e == nil {
		return refusal
	}
	what := req.Header.Get(errorTypeHeader)
	if what == "" {
		return refuse(403, "Extension.MissingHeader", errorTypeHeader+" not found")
	}
	name, errorType := "init/error", link.ExtensionInitError
	if as == callExitError {
		name, errorType = "exit/error", link.ExtensionExitError
	}
	r.mu.Lock()
	if !e.may(as) {
		defer r.mu.Unlock()
		return e.refuseState(name)
	}
	e.state = failed
	if e.waiting != nil {
		displaced := refuse(403, "Extension.InvalidExtensionState", "the extension has failed")
		e.waiting <- &displaced
		e.waiting = nil
	}
	report := !r.ending
	r.mu.Unlock()
	if report {
		r.host.Broken(e.about.Name, errorType, what[:min(len(what), maxErrorType)])
	}
	return accepted()
}
