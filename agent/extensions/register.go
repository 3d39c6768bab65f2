package extensions

import (
	"encoding/json"
	"io"
	"slices"
	"strings"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// maxRegisterBytes bounds the body of a registration.
const maxRegisterBytes = 64 << 10

// register is POST /2020-01-01/extension/register: an external extension says that it is there, or code in the runtime
// process becomes an internal one.
func (r *Registry) register(req *http1.Request) http1.Answer {
	name := req.Header.Get(nameHeader)
	if name == "" || len(name) > link.MaxExtensionName || strings.Contains(name, "\t") {
		return refuse(403, "Extension.InvalidExtensionName", "Empty or invalid extension name")
	}
	events, err := readEvents(&req.Body)
	if err != nil {
		return refuse(403, "InvalidRequestFormat", err.Error())
	}
	e, refusal := r.admit(name, events)
	if e == nil {
		return refusal
	}
	answer, err := r.host.Register(e.about)
	if err != nil || answer.Refusal != "" || answer.Registered == nil {
		r.giveUp(e)
		return refuseRegistration(name, answer.Refusal, err)
	}
	r.mu.Lock()
	e.asking, e.state, e.id = false, registered, answer.Registered.Identifier
	extended := e.about.External && r.extended()
	r.mu.Unlock()
	if extended {
		r.host.Extended()
	}
	return welcome(answer.Registered, req)
}

// readEvents reads the events an extension subscribes to; an empty body is none.
func readEvents(b *http1.Body) ([]string, error) {
	body, err := io.ReadAll(io.LimitReader(b, maxRegisterBytes+1))
	if err != nil || len(body) == 0 {
		return nil, err
	}
	if len(body) > maxRegisterBytes {
		return nil, http1.ErrMalformed
	}
	var in struct {
		Events []string `json:"events"`
	}
	err = json.Unmarshal(body, &in)
	return in.Events, err
}

// admit finds the external extension of that name, or makes an internal one, and checks what can be checked here. The
// host is to be asked about the extension it returns; nil with a refusal.
func (r *Registry) admit(name string, events []string) (*Extension, http1.Answer) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return nil, *gone()
	}
	i := slices.IndexFunc(r.all, func(e *Extension) bool { return e.about.Name == name })
	e := &Extension{about: link.Extension{Name: name}, state: launched}
	if i >= 0 {
		e = r.all[i]
	}
	var wants []string
	for _, event := range events {
		if event != link.EventInvoke && (event != link.EventShutdown || !e.about.External) {
			return nil, refuse(403, "Extension.InvalidEventType", event+": not an event for this kind of extension")
		}
		if !slices.Contains(wants, event) {
			wants = append(wants, event)
		}
	}
	if !e.may(callRegister) || e.asking {
		return nil, e.refuseState("register")
	}
	if i < 0 {
		if len(r.all) >= link.MaxExtensions {
			return nil, refuseRegistration(name, link.RefusalTooMany, nil)
		}
		r.all = append(r.all, e)
	}
	e.about.Events, e.asking = wants, true
	return e, http1.Answer{}
}

// giveUp undoes what admit did.
func (r *Registry) giveUp(e *Extension) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e.asking, e.about.Events = false, nil
	if !e.about.External {
		r.all = slices.DeleteFunc(r.all, func(other *Extension) bool { return other == e })
	}
}

func refuseRegistration(name string, why link.Refusal, err error) http1.Answer {
	switch {
	case err != nil:
		return *gone()
	case why == link.RefusalTooMany:
		return refuse(403, "Extension.TooManyExtensions", "Extension limit (10) reached")
	case why == link.RefusalTaken:
		return refuse(403, "Extension.InvalidExtensionState", "An extension "+name+" has registered already")
	}
	return refuse(403, "Extension.RegistrationClosed", "Extension registration closed already")
}

// welcome tells an extension that it has registered, and of which function it is part.
func welcome(to *link.Registration, req *http1.Request) http1.Answer {
	var out = struct {
		Function string `json:"functionName"`
		Version  string `json:"functionVersion"`
		Handler  string `json:"handler"`
		Account  string `json:"accountId,omitempty"`
	}{Function: to.Function, Version: to.Version, Handler: to.Handler}
	for _, feature := range strings.Split(req.Header.Get(featureHeader), ",") {
		if strings.TrimSpace(feature) == "accountId" {
			out.Account = to.Account
		}
	}
	body, _ := json.Marshal(out) // strings always encode
	return http1.Answer{
		Status: 200,
		Fields: []http1.Field{{Name: "Content-Type", Value: "application/json"}, {Name: identifierHeader, Value: to.Identifier}},
		Body:   body,
	}
}
