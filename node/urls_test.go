package node

import (
	"strings"
	"testing"
)

func TestURLHosts(t *testing.T) {
	t.Parallel()
	id := strings.Repeat("a", 32)
	const arn = "arn:aws:lambda:us-east-1:000000000000:function:f:live"
	c := Default()
	c.URLHosts = []string{"shop.example.com=" + arn, "a.example.com=" + id}
	hosts, err := c.urlHosts()
	if err != nil || hosts["shop.example.com"] != arn || hosts["a.example.com"] != id {
		t.Errorf("got %v, %v", hosts, err)
	}
	for _, bad := range []string{"", "a.example.com", "=" + id, "A.example.com=" + id, "a..b=" + id, "a.example.com=f", "a.example.com=" + id + "a", "a.example.com=" + strings.Replace(arn, "us-east", "eu-west", 1)} {
		c.URLHosts = []string{bad}
		if err := c.check(); err == nil {
			t.Errorf("%q passes", bad)
		}
	}
	c.URLHosts = []string{"a.example.com=" + id, "a.example.com=" + id}
	if err := c.check(); err == nil {
		t.Error("a name passes twice")
	}
	c.URLHosts, c.URLDomain = nil, "Example.com:80"
	if err := c.check(); err == nil {
		t.Error("a domain with a port passes")
	}
}
