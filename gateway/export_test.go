package gateway

import (
	"net/http"

	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/lambda"
)

// Find gives tests the name of the operation a request is routed to, and its labels.
func Find(r *http.Request) (name string, labels []string) {
	var found [maxLabels]string
	if route := routes.find(r.URL.EscapedPath(), r, &found); route != nil {
		return route.name, found[:]
	}
	return "", nil
}

var routes = newRoutes()

// Name gives tests what account 000000000000 means by a function's name and qualifier in us-east-1.
func Name(raw, query string) (lambda.FunctionRef, error) {
	c := &call{
		Gateway: &Gateway{region: "us-east-1"}, route: &route{name: "GetFunction"},
		caller: auth.Identity{AccountID: "000000000000"}, account: "000000000000",
	}
	return c.function(raw, query)
}

// Authorize gives tests the step of a request by account 000000000000's own key in which policies decide.
func Authorize(g *Gateway, r *http.Request) func() error {
	c := &call{Gateway: g, r: r, caller: auth.Identity{AccountID: "000000000000"}}
	c.route = g.routes.find(r.URL.EscapedPath(), r, &c.labels)
	return c.authorize
}
