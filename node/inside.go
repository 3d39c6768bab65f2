package node

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// Addresses that only functions can reach: package egress makes the connections within this process.
var (
	// insideAPI is where functions find the API of their own server.
	insideAPI = netip.MustParseAddrPort("169.254.100.2:80")
	// insideCredentials is where environments that share a snapshot fetch their credentials. SDKs take credentials over plain
	// HTTP from the sandbox itself and from the address that Amazon ECS uses for the same purpose, this one. Source: AWS SDKs
	// and tools reference guide, "Container credential provider".
	insideCredentials = netip.MustParseAddrPort("169.254.170.2:80")
)

// credentialsPath is Lambda's own. Source: environment variables of functions with SnapStart.
const credentialsPath = "/2021-04-23/credentials"

// renewBefore is how long before its credentials end an environment gets its last invocation: well over the longest one.
const renewBefore = time.Hour

// identity makes the credentials of functions.
type identity struct {
	roles    *iam.Directory
	sessions *auth.Sessions
	pool     func() *pool.Pool // for the time when there is one
}

// credentials are the variables of a new environment; it is pool.Options.Credentials.
func (i identity) credentials(fn *lambda.Config, shared bool) pool.Credentials {
	c := pool.Credentials{Env: map[string]string{}}
	endpoint := "http://" + strings.TrimSuffix(insideAPI.String(), ":80")
	for _, service := range []string{"LAMBDA", "STS", "LOGS"} {
		name := "AWS_ENDPOINT_URL_" + service
		_, own := fn.Environment[name]
		_, general := fn.Environment["AWS_ENDPOINT_URL"]
		if !own && !general {
			c.Env[name] = endpoint
		}
	}
	if shared {
		c.Env["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = "http://" + strings.TrimSuffix(insideCredentials.String(), ":80") + credentialsPath
		c.Env["AWS_CONTAINER_AUTHORIZATION_TOKEN"] = i.mark(fn)
		return c
	}
	made := i.roles.FunctionCredentials(fn.Account, fn.Role, fn.Name)
	c.Env["AWS_ACCESS_KEY_ID"], c.Env["AWS_SECRET_ACCESS_KEY"], c.Env["AWS_SESSION_TOKEN"] = made.AccessKeyID, made.SecretAccessKey, made.SessionToken
	c.Renew = made.Expiration.Add(-renewBefore)
	return c
}

// mark is the word that environments of a version show to get credentials.
func (i identity) mark(fn *lambda.Config) string {
	return i.sessions.Mark(fn.Account + "/" + fn.Name + "/" + fn.Version)
}

// ServeHTTP gives an environment the credentials of its role. Which environment asks is known from the connection; the
// word shows that code asks which can see the environment's variables.
func (i identity) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	refuse := func(status int, code, message string) {
		b, _ := json.Marshal(map[string]string{"code": code, "message": message}) // strings
		w.WriteHeader(status)
		_, _ = w.Write(b) // an error means that the caller left
	}
	fn := i.pool().FunctionOf(sandboxOf(r.Context()))
	switch {
	case r.Method != http.MethodGet || r.URL.Path != credentialsPath:
		refuse(http.StatusNotFound, "NotFound", "there are only credentials here, at "+credentialsPath)
		return
	case fn == nil || subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(i.mark(fn))) != 1:
		refuse(http.StatusForbidden, "AccessDenied", "the authorization token is not valid")
		return
	}
	made := i.roles.FunctionCredentials(fn.Account, fn.Role, fn.Name)
	b, _ := json.Marshal(map[string]string{ // strings
		"RoleArn": fn.Role, "AccessKeyId": made.AccessKeyID, "SecretAccessKey": made.SecretAccessKey, "Token": made.SessionToken,
		"Expiration": api.QueryTime(made.Expiration),
	})
	_, _ = w.Write(b) // an error means that the caller left
}

type sandboxKey struct{}

// sandboxOf is the id of the sandbox that a request comes from, "" if it comes from elsewhere.
func sandboxOf(ctx context.Context) string {
	id, _ := ctx.Value(sandboxKey{}).(string)
	return id
}

// withSandbox is http.Server.ConnContext.
func withSandbox(ctx context.Context, c net.Conn) context.Context {
	if inside, ok := c.(*insideConn); ok {
		return context.WithValue(ctx, sandboxKey{}, inside.sandbox)
	}
	return ctx
}

// insideConn is a connection from a sandbox.
type insideConn struct {
	*net.UnixConn
	sandbox string
}

// RemoteAddr is the sandbox's own address.
func (c *insideConn) RemoteAddr() net.Addr {
	return &net.TCPAddr{IP: net.ParseIP(egress.GuestAddress)}
}

// insideListener is a net.Listener of connections from sandboxes.
type insideListener struct {
	addr  netip.AddrPort
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newInsideListener(addr netip.AddrPort) *insideListener {
	return &insideListener{addr: addr, conns: make(chan net.Conn, 64), done: make(chan struct{})}
}

// connect is an egress.Service. A server that does not keep up loses connections.
func (l *insideListener) connect(sandbox string, c *net.UnixConn) {
	select {
	case <-l.done:
	default:
		select {
		case l.conns <- &insideConn{c, sandbox}:
			return
		default:
		}
	}
	_ = c.Close()
}

// Accept implements net.Listener.
func (l *insideListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l *insideListener) Close() error {
	l.once.Do(func() {
		close(l.done)
		for {
			select {
			case c := <-l.conns:
				_ = c.Close()
			default:
				return
			}
		}
	})
	return nil
}

// Addr implements net.Listener.
func (l *insideListener) Addr() net.Addr { return net.TCPAddrFromAddrPort(l.addr) }

// newServer is an HTTP server with the limits that all of a node's have.
func newServer(h http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 5 * time.Minute, IdleTimeout: 2 * time.Minute,
		ConnContext: withSandbox, ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
