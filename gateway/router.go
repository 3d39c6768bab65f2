package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// maxLabels is the largest number of labels in one path.
const maxLabels = 3

// Limits of request bodies, in bytes. Source of codeBody: the text of AWS's own refusal; it is MaxZipBytes as base64
// with room for the other members.
const (
	smallBody = 1 << 20
	codeBody  = 70167211
)

// handler is what answers an operation.
type handler struct {
	handle  func(*call) error
	maxBody int64
}

// handlers has the operations that Thaw implements, by their names; all others of api.Operations are answered as not
// implemented. Each group of operations has its list in a file of its own.
var handlers = func() map[string]handler {
	all := map[string]handler{}
	for _, group := range []map[string]handler{
		functionHandlers,
		aliasHandlers,
		concurrencyHandlers,
		layerHandlers,
		signingHandlers,
		streamHandlers,
		policyHandlers,
		urlHandlers,
		runtimeManagementHandlers,
		mappingHandlers,
		eventHandlers,
		durableHandlers,
	} {
		maps.Copy(all, group)
	}
	return all
}()

var functionHandlers = map[string]handler{
	"CreateFunction":              {(*call).createFunction, codeBody},
	"GetFunction":                 {(*call).getFunction, smallBody},
	"GetFunctionConfiguration":    {(*call).getFunctionConfiguration, smallBody},
	"ListFunctions":               {(*call).listFunctions, smallBody},
	"UpdateFunctionCode":          {(*call).updateFunctionCode, codeBody},
	"UpdateFunctionConfiguration": {(*call).updateFunctionConfiguration, smallBody},
	"DeleteFunction":              {(*call).deleteFunction, smallBody},
	"Invoke":                      {(*call).invoke, lambda.MaxSyncPayloadBytes},
	"TagResource":                 {(*call).tagResource, smallBody},
	"UntagResource":               {(*call).untagResource, smallBody},
	"ListTags":                    {(*call).listTags, smallBody},
	"GetAccountSettings":          {(*call).getAccountSettings, smallBody},
	"PublishVersion":              {(*call).publishVersion, smallBody},
	"ListVersionsByFunction":      {(*call).listVersionsByFunction, smallBody},
}

// route is one operation at its place in the tree.
type route struct {
	name, method string
	query        [2]string // key and value that the query must have; empty: any query
	access
	handler
}

// node is a place in the tree of path segments.
type node struct {
	literals map[string]*node
	label    *node // any non-empty segment
	routes   []*route
}

// newRoutes builds the tree from api.Operations.
func newRoutes() *node {
	root := &node{}
	for _, op := range api.Operations {
		at := root
		for segment := range strings.SplitSeq(op.Path[1:], "/") {
			at = at.child(segment)
		}
		r := &route{name: op.Name, method: op.Method, access: accessOf(op), handler: handler{(*call).notImplemented, codeBody}}
		if h, ok := handlers[op.Name]; ok {
			r.handler = h
		}
		if key, value, ok := strings.Cut(op.Query, "="); ok {
			r.query = [2]string{key, value}
			at.routes = append([]*route{r}, at.routes...) // before the one that takes any query
			continue
		}
		at.routes = append(at.routes, r)
	}
	return root
}

func (n *node) child(segment string) *node {
	if segment[0] == '{' {
		if n.label == nil {
			n.label = &node{}
		}
		return n.label
	}
	if n.literals == nil {
		n.literals = make(map[string]*node)
	}
	if n.literals[segment] == nil {
		n.literals[segment] = &node{}
	}
	return n.literals[segment]
}

// find returns the operation for an escaped path and fills in the labels; nil if there is none. One final slash is
// ignored. Percent-encoded slashes stay inside their label.
func (n *node) find(path string, r *http.Request, labels *[maxLabels]string) *route {
	path = strings.TrimSuffix(path[1:], "/")
	count := 0
	for more := true; more; {
		var segment string
		segment, path, more = strings.Cut(path, "/")
		if next := n.literals[segment]; next != nil {
			n = next
			continue
		}
		if n.label == nil || segment == "" || count == maxLabels {
			return nil
		}
		labels[count] = segment
		count++
		n = n.label
	}
	for _, route := range n.routes {
		if route.method == r.Method && (route.query[0] == "" || r.URL.Query().Get(route.query[0]) == route.query[1]) {
			return route
		}
	}
	return nil
}

// label returns the i-th label of the path, decoded once. What cannot be decoded comes back as it is, and fails the
// checks of whoever asked.
func (c *call) label(i int) string {
	if strings.IndexByte(c.labels[i], '%') < 0 {
		return c.labels[i]
	}
	if s, err := url.PathUnescape(c.labels[i]); err == nil {
		return s
	}
	return c.labels[i]
}

// query returns the value of a query parameter, "" if it is not there.
func (c *call) query(name string) string {
	if c.r.URL.RawQuery == "" {
		return ""
	}
	return c.r.URL.Query().Get(name)
}
