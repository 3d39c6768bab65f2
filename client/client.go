package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// DefaultEndpoint is where a server listens unless told otherwise, and DefaultRegion the region it believes to be in.
const (
	DefaultEndpoint = "http://127.0.0.1:4580"
	DefaultRegion   = "us-east-1"
)

// maxAnswerBytes bounds what the client reads of one answer. The largest honest one is a page of functions or of logs,
// or an invocation's 6 MiB.
const maxAnswerBytes = 64 << 20

// Options configure a Client.
type Options struct {
	// Endpoint is the server's base URL, scheme and authority; "" means DefaultEndpoint.
	Endpoint string
	// Region is the region requests are signed for; "" means DefaultRegion.
	Region string
	// AccessKey and SecretKey sign the requests. Without them only Health and Ready succeed.
	AccessKey, SecretKey string
	// HTTPClient carries the requests. nil means one of the client's own, which keeps connections alive, follows no
	// redirects and has no timeout of its own: contexts bound the calls.
	HTTPClient *http.Client
}

// Client calls one server with one access key.
type Client struct {
	http     *http.Client
	endpoint string // scheme://authority
	host     string
	signer   *signer
}

// New returns a client. It fails only if the endpoint is not a base URL.
func New(o Options) (*Client, error) {
	if o.Endpoint == "" {
		o.Endpoint = DefaultEndpoint
	}
	if o.Region == "" {
		o.Region = DefaultRegion
	}
	u, err := url.Parse(o.Endpoint)
	if err != nil {
		return nil, fmt.Errorf("endpoint: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, fmt.Errorf("endpoint %q is not of the form http://host:port", o.Endpoint)
	}
	if o.HTTPClient == nil {
		o.HTTPClient = newHTTPClient()
	}
	return &Client{
		http:     o.HTTPClient,
		endpoint: u.Scheme + "://" + u.Host,
		host:     u.Host,
		signer:   newSigner(o.Region, o.AccessKey, o.SecretKey),
	}, nil
}

// Close drops the idle connections. The client stays usable.
func (c *Client) Close() { c.http.CloseIdleConnections() }

// Endpoint is the server's base URL, without a final slash.
func (c *Client) Endpoint() string { return c.endpoint }

func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			MaxIdleConnsPerHost: 256, // a benchmark's clients keep one each
			IdleConnTimeout:     90 * time.Second,
			DisableCompression:  true,
		},
		// A signature is for one host and path: following would only produce a confusing refusal.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// call is one request to the server.
type call struct {
	service string // to sign for; "" leaves the request unsigned
	method  string
	path    string // escaped, see functionPath
	query   query
	header  []header // beyond those that signing adds
	body    []byte
}

// header is a header field; the signature covers it if its name begins with X-Amz-.
type header struct{ name, value string }

// query holds the parameters of a call in order of their names.
type query []header

func (q query) encode() string {
	if len(q) == 0 {
		return ""
	}
	q = slices.Clone(q)
	slices.SortStableFunc(q, func(a, b header) int { return strings.Compare(a.name, b.name) })
	var b strings.Builder
	for i, p := range q {
		if i > 0 {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.name))
		b.WriteByte('=')
		b.WriteString(escape(p.value))
	}
	return b.String()
}

// do sends a call and returns the answer with its whole body. A status of 300 or more becomes an *Error.
func (c *Client) do(ctx context.Context, k call) (*http.Response, []byte, error) {
	resp, err := c.send(ctx, k)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp)
	if err != nil {
		return nil, nil, fmt.Errorf("read answer: %w", err)
	}
	return resp, body, nil
}

// send sends a call and returns the answer, whose body is the caller's to close. A status of 300 or more becomes an
// *Error.
func (c *Client) send(ctx context.Context, k call) (*http.Response, error) {
	rawQuery := k.query.encode()
	target := c.endpoint + k.path
	if rawQuery != "" {
		target += "?" + rawQuery
	}
	r, err := http.NewRequestWithContext(ctx, k.method, target, bytes.NewReader(k.body))
	if err != nil {
		return nil, err
	}
	for _, h := range k.header {
		r.Header[h.name] = []string{h.value}
	}
	if k.service != "" {
		c.signer.sign(r.Header, time.Now(), signing{
			service: k.service, method: k.method, host: c.host, path: k.path, query: rawQuery, header: k.header, body: k.body,
		})
	}
	resp, err := c.http.Do(r)
	if err != nil || resp.StatusCode < 300 {
		return resp, err
	}
	defer resp.Body.Close()
	body, err := readAnswer(resp)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	return nil, answerError(resp, body)
}

func readAnswer(resp *http.Response) ([]byte, error) {
	if n := resp.ContentLength; n >= 0 && n <= maxAnswerBytes {
		body := make([]byte, n)
		_, err := io.ReadFull(resp.Body, body)
		return body, err
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswerBytes+1))
	if err == nil && len(body) > maxAnswerBytes {
		err = fmt.Errorf("longer than %d bytes", maxAnswerBytes)
	}
	return body, err
}

// doJSON sends a Lambda call with in as its JSON body (nil: none) and decodes the answer into out (nil: not read).
func (c *Client) doJSON(ctx context.Context, k call, in, out any) error {
	k.service = "lambda"
	if in != nil {
		var err error
		if k.body, err = json.Marshal(in); err != nil {
			return err
		}
		k.header = append(k.header, header{"Content-Type", "application/json"})
	}
	_, body, err := c.do(ctx, k)
	if err != nil || out == nil {
		return err
	}
	if err := json.Unmarshal(body, out); err != nil {
		return fmt.Errorf("answer of %s %s: %w", k.method, k.path, err)
	}
	return nil
}

// Health reports whether the server's process answers.
func (c *Client) Health(ctx context.Context) error { return c.probe(ctx, "/healthz") }

// Ready reports whether the server takes invocations.
func (c *Client) Ready(ctx context.Context) error { return c.probe(ctx, "/readyz") }

func (c *Client) probe(ctx context.Context, path string) error {
	_, _, err := c.do(ctx, call{method: http.MethodGet, path: path})
	return err
}

// IsCode reports whether err is an answer of the server with that code, e.g. "ResourceNotFoundException".
func IsCode(err error, code string) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && e.Code == code
}
