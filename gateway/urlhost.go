package gateway

import (
	"net"
	"strings"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// URLs says at which hosts functions have URLs. The zero value is <url-id>.lambda-url.<region>.localhost only, which resolves
// to the loopback address wherever RFC 6761 is followed.
type URLs struct {
	Domain string            // another domain in place of localhost; "" for none
	Hosts  map[string]string // other host names, in lower case, and the id of a URL or the ARN of a function or alias with one
}

const urlLabel = ".lambda-url."

func (u *URLs) suffix(region string) string {
	if u.Domain != "" {
		return urlLabel + region + "." + u.Domain
	}
	return urlLabel + region + ".localhost"
}

// mayBeURL is a quick look whether urlHost could find something.
func (c *call) mayBeURL() bool { return len(c.urls.Hosts) > 0 || strings.Contains(c.r.Host, urlLabel) }

// urlHost reports whether host, as in the Host header, is that of a function URL, and which URL it means. found is false if
// there is none.
func (g *Gateway) urlHost(host string) (u control.NamedURL, found, isURL bool) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	if target, ok := g.urls.Hosts[host]; ok {
		u, found = g.urlTarget(target)
		return u, found, true
	}
	id, ok := strings.CutSuffix(host, urlLabel+g.region+".localhost")
	if !ok && g.urls.Domain != "" {
		id, ok = strings.CutSuffix(host, g.urls.suffix(g.region))
	}
	if !ok {
		return u, false, false
	}
	u, found = g.functions.FindURL(id)
	return u, found, true
}

// urlTarget is the URL that a configured host stands for.
func (g *Gateway) urlTarget(target string) (control.NamedURL, bool) {
	if !strings.HasPrefix(target, "arn:") {
		return g.functions.FindURL(target)
	}
	ref, ok := lambda.ParseFunctionRef(target)
	if !ok || ref.Region != g.region {
		return control.NamedURL{}, false
	}
	u, err := g.functions.URL(ref.Account, ref.Name, ref.Qualifier)
	if err != nil {
		return control.NamedURL{}, false
	}
	return control.NamedURL{Account: ref.Account, Name: ref.Name, Qualifier: ref.Qualifier, FunctionURL: *u}, true
}
