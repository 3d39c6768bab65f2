package gateway

import (
	"context"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/layer"
	"thaw.dev/thaw/mapping"
	"thaw.dev/thaw/signing"
)

// Verifier authenticates requests and makes presigned URLs; *auth.Verifier is one.
type Verifier interface {
	// Verify returns who signed r, whose whole body is body. The error is an *auth.Error.
	Verify(r *http.Request, body []byte) (auth.Identity, error)
	// PresignGet returns base+path with a signature of that caller for a GET that expires after that time.
	PresignGet(caller auth.Identity, base, path string, expires time.Duration) (string, error)
}

// Options configure a Gateway. All members but Objects, Identities, URLs, IAM and Ready are required.
type Options struct {
	Region    string
	Functions *control.Functions
	Layers    *layer.Layers
	Signing   *signing.Configs
	Invoker   Invoker
	Events    Events
	// Durable has the executions of durable functions. Invoker must be the same, or know none of them.
	Durable  *durable.Executions
	Packages Packages
	// Objects has the code that callers name instead of sending it; nil refuses that.
	Objects  Objects
	Verifier Verifier
	Logs     Logs
	Mappings *mapping.Mappings
	// Identities decides by callers' own policies; *iam.Directory does. Without it callers with a role may do only what
	// resource policies allow them.
	Identities Identities
	// URLs says at which hosts functions have URLs.
	URLs URLs
	// IAM keeps roles and policies. Without it sessions may do nothing, and IAM and AssumeRole do not exist.
	IAM *iam.Directory
	// Ready says whether the server can do its work now; the error's text is shown at /readyz. nil means always.
	Ready  func() error
	Logger *slog.Logger
}

// Gateway is the http.Handler of the whole server.
type Gateway struct {
	region     string
	functions  *control.Functions
	layers     *layer.Layers
	signing    *signing.Configs
	invoker    Invoker
	events     Events
	executions *durable.Executions
	packages   Packages
	objects    Objects
	verifier   Verifier
	logs       Logs
	identities Identities
	mappings   *mapping.Mappings
	urls       URLs
	iam        *iam.Directory
	ready      func() error
	log        *slog.Logger
	routes     *node
	uploads    chan struct{} // one token per call with a large body
}

// New returns a Gateway.
func New(o Options) *Gateway {
	g := &Gateway{
		region:     o.Region,
		functions:  o.Functions,
		layers:     o.Layers,
		signing:    o.Signing,
		invoker:    o.Invoker,
		events:     o.Events,
		executions: o.Durable,
		packages:   o.Packages,
		objects:    o.Objects,
		verifier:   o.Verifier,
		logs:       o.Logs,
		identities: o.Identities,
		mappings:   o.Mappings,
		urls:       o.URLs,
		iam:        o.IAM,
		ready:      o.Ready,
		log:        o.Logger,
		routes:     newRoutes(),
		uploads:    make(chan struct{}, maxUploads),
	}
	if g.ready == nil {
		g.ready = func() error { return nil }
	}
	return g
}

// call is one request on its way through the chain.
type call struct {
	*Gateway
	w       http.ResponseWriter
	r       *http.Request
	id      string // UUID, also the invocation's
	route   *route
	labels  [maxLabels]string // as they stand in the path, still percent-encoded
	body    []byte
	caller  auth.Identity
	account string  // whose resources the call is about: the caller's own, or another that allows it
	status  int     // of the answer; 0 until its header is written
	dialect dialect // how errors are written

	uploading bool // holds a token of uploads
}

// ServeHTTP answers one request. It is the whole middleware chain.
func (g *Gateway) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := &call{Gateway: g, w: w, r: r, id: uuid.NewString()}
	w.Header()["x-amzn-RequestId"] = []string{c.id} // spelled as the service does
	start := time.Now()
	defer c.end(start)
	if err := c.serve(); err != nil {
		c.fail(err)
	}
}

// end recovers from a panic of the handler and writes the access log.
func (c *call) end(start time.Time) {
	if c.uploading {
		<-c.uploads
	}
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler {
			panic(p)
		}
		c.log.Error("handler panicked", "request_id", c.id, "panic", p, "stack", string(debug.Stack()))
		if c.status != 0 {
			panic(http.ErrAbortHandler) // an answer has begun: cut it off rather than let it pass for whole
		}
		c.fail(errPanicked)
	}
	if !c.log.Enabled(context.Background(), slog.LevelDebug) {
		return
	}
	operation := ""
	if c.route != nil {
		operation = c.route.name
	}
	c.log.Debug("request", "request_id", c.id, "operation", operation, "account", c.caller.AccountID, "method", c.r.Method,
		"status", c.status, "dur_ms", float64(time.Since(start).Microseconds())/1000)
}

func (c *call) serve() error {
	if c.mayBeURL() {
		if u, found, ok := c.urlHost(c.r.Host); ok {
			return c.functionURL(u, found)
		}
	}
	path := c.r.URL.EscapedPath()
	if !strings.HasPrefix(path, "/2") { // no date: not the Lambda API
		switch {
		case path == "/" && c.r.Header.Get("X-Amz-Target") != "":
			return c.cloudWatchLogs(c.r.Header.Get("X-Amz-Target"))
		case path == "/":
			return c.queryProtocol()
		case path == "/healthz":
			return c.health()
		case path == "/readyz":
			return c.readiness()
		case strings.HasPrefix(path, codePrefix):
			return c.download(path[len(codePrefix):])
		case strings.HasPrefix(path, layerPrefix):
			return c.downloadLayer(path[len(layerPrefix):])
		}
		return c.unknown()
	}
	if c.route = c.routes.find(path, c.r, &c.labels); c.route == nil {
		return c.unknown()
	}
	if err := c.authenticate("lambda", c.route.maxBody); err != nil {
		return err
	}
	if err := c.authorize(); err != nil {
		return err
	}
	return c.route.handle(c)
}

// authenticate reads the body, up to limit bytes, and finds out who sent it for service.
func (c *call) authenticate(service string, limit int64) error {
	if err := c.identify(limit); err != nil {
		return err
	}
	if c.caller.Service != service {
		return &auth.Error{
			Code:    auth.CodeInvalidSignature,
			Message: "Credential should be scoped to correct service: '" + service + "'. ",
		}
	}
	return nil
}

// identify reads the body, up to limit bytes, and finds out who sent it.
func (c *call) identify(limit int64) (err error) {
	if c.r.Header.Get("Authorization") != "" || strings.Contains(c.r.URL.RawQuery, "X-Amz-Signature=") {
		if err := c.readBody(limit); err != nil {
			return err
		}
	} // else: nobody who signs nothing gets us to read a body
	c.caller, err = c.verifier.Verify(c.r, c.body)
	return err
}

func (c *call) unknown() error {
	return lambda.Errorf(lambda.KindUnknownOperation, "No operation has the method %.16q and this path", c.r.Method)
}
