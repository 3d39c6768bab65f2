package functionurl

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"mime"
	"net"
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// Request is one request to a function URL.
type Request struct {
	HTTP    *http.Request // its Body is not read
	Body    []byte
	URLID   string
	ID      string // UUID
	TraceID string // X-Ray's header
	Time    time.Time
	IAM     *IAM // who signed the request; nil if that was not asked
}

// IAM is the caller of a URL with AuthType AWS_IAM.
type IAM struct {
	AccessKey string `json:"accessKey"`
	AccountID string `json:"accountId"`
	CallerID  string `json:"callerId"`
	// CognitoIdentity and PrincipalOrgID are always null: there are neither.
	CognitoIdentity *string `json:"cognitoIdentity"`
	PrincipalOrgID  *string `json:"principalOrgId"`
	UserARN         string  `json:"userArn"`
	UserID          string  `json:"userId"`
}

// event is payload format 2.0.
type event struct {
	Version               string            `json:"version"`
	RouteKey              string            `json:"routeKey"`
	RawPath               string            `json:"rawPath"`
	RawQueryString        string            `json:"rawQueryString"`
	Cookies               []string          `json:"cookies,omitempty"`
	Headers               map[string]string `json:"headers"`
	QueryStringParameters map[string]string `json:"queryStringParameters,omitempty"`
	RequestContext        requestContext    `json:"requestContext"`
	Body                  *string           `json:"body,omitempty"`
	IsBase64Encoded       bool              `json:"isBase64Encoded"`
}

type requestContext struct {
	AccountID    string      `json:"accountId"`
	APIID        string      `json:"apiId"`
	Authorizer   *authorizer `json:"authorizer,omitempty"`
	DomainName   string      `json:"domainName"`
	DomainPrefix string      `json:"domainPrefix"`
	HTTP         httpContext `json:"http"`
	RequestID    string      `json:"requestId"`
	RouteKey     string      `json:"routeKey"`
	Stage        string      `json:"stage"`
	Time         string      `json:"time"`
	TimeEpoch    int64       `json:"timeEpoch"` // milliseconds
}

type authorizer struct {
	IAM *IAM `json:"iam"`
}

type httpContext struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// anonymous is the account of callers of a URL with AuthType NONE.
const anonymous = "anonymous"

// Event is the JSON event of a request.
func (r *Request) Event() ([]byte, error) {
	host, port := splitHost(r.HTTP.Host)
	prefix, _, _ := strings.Cut(host, ".")
	path := r.HTTP.URL.EscapedPath()
	if path == "" {
		path = "/"
	}
	e := event{
		Version: "2.0", RouteKey: "$default", RawPath: path, RawQueryString: r.HTTP.URL.RawQuery,
		Cookies: cookies(r.HTTP.Header), Headers: r.headers(port), QueryStringParameters: parameters(r.HTTP.URL.RawQuery),
		RequestContext: requestContext{
			AccountID: anonymous, APIID: r.URLID, DomainName: host, DomainPrefix: prefix,
			HTTP: httpContext{
				Method: r.HTTP.Method, Path: path, Protocol: r.HTTP.Proto, SourceIP: SourceIP(r.HTTP), UserAgent: r.HTTP.UserAgent(),
			},
			RequestID: r.ID, RouteKey: "$default", Stage: "$default",
			Time: r.Time.UTC().Format("02/Jan/2006:15:04:05 +0000"), TimeEpoch: r.Time.UnixMilli(),
		},
	}
	if r.IAM != nil {
		e.RequestContext.AccountID, e.RequestContext.Authorizer = r.IAM.AccountID, &authorizer{r.IAM}
	}
	if len(r.Body) > 0 {
		text := string(r.Body)
		if e.IsBase64Encoded = !isText(r.HTTP.Header.Get("Content-Type"), r.Body); e.IsBase64Encoded {
			text = base64.StdEncoding.EncodeToString(r.Body)
		}
		e.Body = &text
	}
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(e)
	return bytes.TrimSuffix(b.Bytes(), []byte{'\n'}), err
}

// headers are the request's with lower-case names, repeated ones joined, without cookies and what is about the caller's
// connection; a signature that was checked stays here. The caller's address is added to what proxies said, at the end: only that entry is not the caller's word.
func (r *Request) headers(port string) map[string]string {
	out := make(map[string]string, len(r.HTTP.Header)+5)
	named := connectionOptions(r.HTTP.Header)
	for name, values := range r.HTTP.Header {
		switch name = strings.ToLower(name); {
		case name == "cookie", r.IAM != nil && name == "authorization", hopByHop(name), slices.Contains(named, name):
		default:
			out[name] = strings.Join(values, ",")
		}
	}
	out["host"] = r.HTTP.Host
	from := SourceIP(r.HTTP)
	if before := out["x-forwarded-for"]; before != "" {
		from = before + ", " + from
	}
	out["x-forwarded-for"] = from
	proto, standard := "http", "80"
	if t := r.HTTP.TLS; t != nil {
		proto, standard = "https", "443"
		out["x-amzn-tls-version"], out["x-amzn-tls-cipher-suite"] = tlsVersion(t), tlsCipher(t)
	}
	if port == "" {
		port = standard
	}
	out["x-forwarded-proto"], out["x-forwarded-port"] = proto, port
	out["x-amzn-trace-id"] = r.TraceID
	return out
}

// cookies are the request's, one an entry.
func cookies(h http.Header) []string {
	var out []string
	for _, line := range h["Cookie"] {
		for c := range strings.SplitSeq(line, ";") {
			if c = textproto.TrimString(c); c != "" {
				out = append(out, c)
			}
		}
	}
	return out
}

// parameters are the query's, decoded, repeated ones joined; nil if there are none.
func parameters(query string) map[string]string {
	var out map[string]string
	for pair := range strings.SplitSeq(query, "&") {
		if pair == "" {
			continue
		}
		key, value, _ := strings.Cut(pair, "=")
		key, value = unescape(key), unescape(value)
		if out == nil {
			out = map[string]string{}
		}
		if before, repeated := out[key]; repeated {
			value = before + "," + value
		}
		out[key] = value
	}
	return out
}

// unescape decodes part of a query; what cannot be decoded stays as it is.
func unescape(s string) string {
	if decoded, err := url.QueryUnescape(s); err == nil {
		return decoded
	}
	return s
}

// isText reports whether a body goes into an event as it is: its media type is one of text, and so are its bytes. A body
// without a type counts as text if it is some.
func isText(contentType string, body []byte) bool {
	if !utf8.Valid(body) {
		return false
	}
	if contentType == "" {
		return true
	}
	media, _, err := mime.ParseMediaType(contentType)
	if err != nil {
		return false
	}
	switch {
	case strings.HasPrefix(media, "text/"), strings.HasSuffix(media, "+json"), strings.HasSuffix(media, "+xml"):
		return true
	}
	switch media {
	case "application/json", "application/xml", "application/javascript", "application/x-javascript", "application/x-www-form-urlencoded":
		return true
	}
	return false
}

// SourceIP is the address that a request came from.
func SourceIP(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

func splitHost(hostport string) (host, port string) {
	if h, p, err := net.SplitHostPort(hostport); err == nil {
		return h, p
	}
	return hostport, ""
}
