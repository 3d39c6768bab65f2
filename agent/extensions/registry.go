package extensions

import (
	"slices"
	"sync"
	"time"

	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/link"
)

// Host is the platform behind the registry. Its methods are called from several goroutines.
type Host interface {
	// Register asks whether the extension may register. An error means that the host is gone.
	Register(e link.Extension) (link.AnswerMeta, error)
	// Extended says that every external extension has registered.
	Extended()
	// Listening says that the extension waits for its next event; after is the id of the last invocation it was told of.
	Listening(name, after string)
	// Broken says that the extension failed; errorType is one of package link's.
	Broken(name, errorType, message string)
}

// Extension is one extension. Its exported methods may be called from any goroutine.
type Extension struct {
	about link.Extension // the events are set when it registers
	id    string         // its identifier, set when it registers

	// Guarded by the registry's mu.
	state   state
	pending *http1.Answer      // the event that the next call of event/next gets
	waiting chan *http1.Answer // the call that waits for it; has room for one answer
	after   string             // id of the last invocation it was told of
	asking  bool               // the host is being asked whether it may register
	ended   chan struct{}      // closed when the process of an external one has ended
}

// Name is the extension's name: for an external one, its file's.
func (e *Extension) Name() string { return e.about.Name }

// External reports whether it is a process of its own.
func (e *Extension) External() bool { return e.about.External }

// Registry knows the extensions of one start of the runtime. Its methods may be called concurrently.
type Registry struct {
	host Host

	mu       sync.Mutex // guards what follows
	all      []*Extension
	launches bool // Launched is still to be called
	ending   bool // all have to end: no failure is reported any more
	closed   bool
}

// New returns a registry without extensions.
func New(host Host) *Registry { return &Registry{host: host} }

// Launch adds an external extension whose process is about to be started. AllLaunched must follow when there are no
// more.
func (r *Registry) Launch(name string) *Extension {
	e := &Extension{about: link.Extension{Name: name, External: true}, ended: make(chan struct{})}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.launches = true
	r.all = append(r.all, e)
	return e
}

// AllLaunched says that every external extension was launched.
func (r *Registry) AllLaunched() {
	r.mu.Lock()
	r.launches = false
	extended := r.extended()
	r.mu.Unlock()
	if extended {
		r.host.Extended()
	}
}

// extended needs mu. It reports whether every external extension has registered.
func (r *Registry) extended() bool {
	return !r.launches && !slices.ContainsFunc(r.all, func(e *Extension) bool { return e.about.External && e.id == "" })
}

// Ended says that the process of an external extension has ended, how in words.
func (r *Registry) Ended(e *Extension, how string) {
	r.mu.Lock()
	report := !r.ending && e.state != failed
	e.state = ended
	close(e.ended)
	r.mu.Unlock()
	if report {
		r.host.Broken(e.about.Name, link.ExtensionCrash, how)
	}
}

// Happen tells every extension that subscribed to INVOKE of an invocation.
func (r *Registry) Happen(ev *link.EventMeta) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range r.all {
		if e.about.Wants(link.EventInvoke) {
			e.after = ev.ID
			e.give(invokeEvent(ev, newEventID(ev.ID, e.id)))
		}
	}
}

// End tells every extension that subscribed to SHUTDOWN to end by deadline, and returns the external ones: those that
// were told, and the others, which nothing is left to do for but to be killed. From then on nothing is reported.
func (r *Registry) End(reason link.ShutdownReason, deadline time.Time) (told, others []*Extension) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
	for _, e := range r.all {
		switch {
		case !e.about.External:
		case e.about.Wants(link.EventShutdown):
			e.give(shutdownEvent(reason, deadline, newEventID(string(reason), e.id)))
			told = append(told, e)
		default:
			others = append(others, e)
		}
	}
	return told, others
}

// Has reports whether there is an external extension.
func (r *Registry) Has() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.ContainsFunc(r.all, func(e *Extension) bool { return e.about.External })
}

// Done is closed when the extension's process has ended. Nil for an internal one.
func (e *Extension) Done() <-chan struct{} { return e.ended }

// Quiet stops all reports: what is left is about to be killed.
func (r *Registry) Quiet() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending = true
}

// Close ends every waiting call and refuses those to come.
func (r *Registry) Close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ending, r.closed = true, true
	for _, e := range r.all {
		if e.waiting != nil {
			e.waiting <- gone()
			e.waiting = nil
		}
	}
}

// give needs the registry's mu. It hands the extension an event.
func (e *Extension) give(event *http1.Answer) {
	if e.waiting == nil {
		e.pending = event
		return
	}
	e.state = working
	e.waiting <- event
	e.waiting = nil
}

// find needs mu. It returns the extension with the identifier, nil if there is none.
func (r *Registry) find(id string) *Extension {
	for _, e := range r.all {
		if id != "" && e.id == id {
			return e
		}
	}
	return nil
}
