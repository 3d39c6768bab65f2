package node

import (
	"fmt"
	"regexp"
	"strings"

	"thaw.dev/thaw/lambda"
)

var urlID = regexp.MustCompile(`^[a-z0-9]{32}$`)

// urlHosts reads URLHosts: targets by host name.
func (c *Config) urlHosts() (map[string]string, error) {
	hosts := make(map[string]string, len(c.URLHosts))
	for _, entry := range c.URLHosts {
		name, target, _ := strings.Cut(entry, "=")
		ref, isFunction := lambda.ParseFunctionRef(target)
		switch {
		case !hostPattern.MatchString(name):
			return nil, fmt.Errorf("URL host %q: want name=target with a host name in lower case", entry)
		case !urlID.MatchString(target) && !(isFunction && strings.HasPrefix(target, "arn:")):
			return nil, fmt.Errorf("URL host %q: the target is neither the id of a function URL nor a function's ARN", entry)
		case isFunction && ref.Region != "" && ref.Region != c.Region:
			return nil, fmt.Errorf("URL host %q: this server's region is %s", entry, c.Region)
		case hosts[name] != "":
			return nil, fmt.Errorf("URL host %q: the name stands there twice", entry)
		}
		hosts[name] = target
	}
	return hosts, nil
}
