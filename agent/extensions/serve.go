package extensions

import (
	"fmt"
	"regexp"
	"strings"

	"thaw.dev/thaw/agent/http1"
)

// Prefix begins the paths of the Extensions API.
const Prefix = "/2020-01-01/extension/"

const (
	nameHeader       = "Lambda-Extension-Name"
	identifierHeader = "Lambda-Extension-Identifier"
	errorTypeHeader  = "Lambda-Extension-Function-Error-Type"
	featureHeader    = "Lambda-Extension-Accept-Feature"
	eventHeader      = "Lambda-Extension-Event-Identifier"
)

// Serve answers a call whose path begins with Prefix. A call of event/next is answered when there is an event, or Close
// is called.
func (r *Registry) Serve(req *http1.Request) http1.Answer {
	switch req.Method + " " + strings.TrimPrefix(req.Path, Prefix) {
	case "POST register":
		return r.register(req)
	case "GET event/next":
		return r.next(req)
	case "POST init/error":
		return r.fail(req, callInitError)
	case "POST exit/error":
		return r.fail(req, callExitError)
	}
	return refuse(404, "NotFound", "no such operation: "+req.Method+" "+req.Path)
}

// uuidForm is the text form of a UUID. Source: RFC 9562.
var uuidForm = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)

// Caller returns the registered extension that a request's identifier names, nil and the refusal if there is none.
func (r *Registry) Caller(req *http1.Request) (*Extension, http1.Answer) {
	id := req.Header.Get(identifierHeader)
	if id == "" {
		return nil, refuse(403, "Extension.MissingExtensionIdentifier", "Missing "+identifierHeader+" header")
	}
	if !uuidForm.MatchString(id) {
		return nil, refuse(403, "Extension.InvalidExtensionIdentifier", "Invalid "+identifierHeader)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if e := r.find(strings.ToLower(id)); e != nil {
		return e, http1.Answer{}
	}
	return nil, refuse(403, "Extension.UnknownExtensionIdentifier", "Unknown extension "+id)
}

// refuseState needs mu.
func (e *Extension) refuseState(what string) http1.Answer {
	return refuse(403, "Extension.InvalidExtensionState",
		fmt.Sprintf("State transition is not allowed: %s of extension %s while it is %s", what, e.about.Name, e.state))
}
