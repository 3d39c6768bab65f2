package telemetryapi

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// subscription is what an extension asked for, checked.
type subscription struct {
	logs        bool // by the Logs API
	runtimeDone bool // its Logs API knows platform.runtimeDone
	types       []string
	to          destination
	maxItems    int
	maxBytes    int
	timeout     time.Duration
}

// destination is where an extension listens. Host is always this sandbox.
type destination struct {
	tcp    bool // lines on a TCP connection, else HTTP
	port   int
	method string
	path   string
}

// Bounds and defaults of buffering. Source: AWS Lambda developer guide, "Lambda Telemetry API reference".
const (
	minItems, maxItems     = 1000, 10000
	minBytes, maxBytes     = 262144, 1048576
	minTimeout, maxTimeout = 25, 30000 // milliseconds
	defaultTimeout         = 1000
)

// Names of the host that an extension's URI may have.
var hosts = []string{"sandbox.localdomain", "sandbox"}

// ownPort is the agent's.
const ownPort = 9001

const maxPath = 1024

// request is the body of both calls.
type request struct {
	SchemaVersion string          `json:"schemaVersion"`
	Types         []string        `json:"types"`
	Destination   json.RawMessage `json:"destination"`
	Buffering     *struct {
		MaxItems  *int `json:"maxItems"`
		MaxBytes  *int `json:"maxBytes"`
		TimeoutMS *int `json:"timeoutMs"`
	} `json:"buffering"`
}

// schemas are the versions that the calls know, the first being the default. Source: AWS Lambda developer guide.
var schemas = map[bool][]string{
	false: {"2022-12-13", "2022-07-01", "2025-01-29"},
	true:  {"2020-08-15", "2021-03-18"},
}

// parse checks a call's body. Its error is for the extension, and names everything that is wrong.
func parse(body []byte, logs bool) (*subscription, error) {
	var in request
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("the body is not the JSON it must be")
	}
	s := &subscription{logs: logs, maxItems: maxItems, maxBytes: minBytes, timeout: defaultTimeout * time.Millisecond}
	var wrong []string
	note := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, what)
		}
	}
	note(in.SchemaVersion == "" || slices.Contains(schemas[logs], in.SchemaVersion), "schemaVersion is not supported")
	s.runtimeDone = in.SchemaVersion == "2021-03-18"
	note(len(in.Types) > 0, "types should not be empty")
	for _, t := range in.Types {
		known := t == "platform" || t == "function" || t == "extension"
		note(known, "types has an unknown member")
		if known && !slices.Contains(s.types, t) {
			s.types = append(s.types, t)
		}
		if len(wrong) > 4 {
			break
		}
	}
	if what := s.to.parse(in.Destination); what != "" {
		wrong = append(wrong, what)
	}
	if b := in.Buffering; b != nil {
		note(within(b.MaxItems, &s.maxItems, minItems, maxItems), "buffering.maxItems should be from 1000 to 10000")
		note(within(b.MaxBytes, &s.maxBytes, minBytes, maxBytes), "buffering.maxBytes should be from 262144 to 1048576")
		ms := defaultTimeout
		note(within(b.TimeoutMS, &ms, minTimeout, maxTimeout), "buffering.timeoutMs should be from 25 to 30000")
		s.timeout = time.Duration(ms) * time.Millisecond
	}
	if len(wrong) > 0 {
		return nil, fmt.Errorf("%s", strings.Join(wrong, "; "))
	}
	return s, nil
}

// within stores a value that is given and in range.
func within(given, value *int, low, high int) bool {
	if given == nil {
		return true
	}
	*value = *given
	return *given >= low && *given <= high
}

// parse returns what is wrong with the text of a destination, "" if nothing is.
func (d *destination) parse(text json.RawMessage) string {
	var in struct {
		Protocol string
		URI      string
		Method   string
		Encoding string
		Port     int
	}
	if json.Unmarshal(text, &in) != nil {
		return "destination is not the object it must be"
	}
	switch in.Protocol {
	case "TCP":
		d.tcp, d.port = true, in.Port
		if !usable(in.Port) {
			return "destination.port should be a port of the extension's"
		}
		return ""
	case "HTTP", "":
	default:
		return "destination.protocol should be HTTP or TCP"
	}
	d.method = in.Method
	switch {
	case in.Method == "":
		d.method = "POST"
	case in.Method != "POST" && in.Method != "PUT":
		return "destination.method should be POST or PUT"
	}
	if in.Encoding != "" && in.Encoding != "JSON" {
		return "destination.encoding should be JSON"
	}
	return d.parseURI(in.URI)
}

func (d *destination) parseURI(uri string) string {
	rest, ok := strings.CutPrefix(uri, "http://")
	if !ok {
		return "URI should begin with http://"
	}
	if len(uri) > maxPath || strings.IndexFunc(uri, func(r rune) bool { return r <= ' ' || r > '~' || r == '#' }) >= 0 {
		return "URI is not valid"
	}
	at := strings.IndexAny(rest, "/?")
	if at < 0 {
		at = len(rest)
	}
	host, port, found := strings.Cut(rest[:at], ":")
	d.path = rest[at:]
	if !strings.HasPrefix(d.path, "/") {
		d.path = "/" + d.path
	}
	n, err := strconv.Atoi(port)
	switch {
	case !slices.Contains(hosts, host):
		return "URI host should be sandbox.localdomain"
	case !found:
		return "URI port is not provided"
	case err != nil || !usable(n):
		return "URI port should be a port of the extension's"
	}
	d.port = n
	return ""
}

func usable(port int) bool { return port > 0 && port < 1<<16 && port != ownPort }
