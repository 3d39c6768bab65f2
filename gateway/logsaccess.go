package gateway

import (
	"encoding/json"
	"strings"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// mayUseLogs refuses a call of CloudWatch Logs that a role's policies do not allow. Its resource is the log stream that the
// request names; "arn:aws:logs:<region>:<account>:log-group:<group>:*" in a policy means all of a group.
func (c *call) mayUseLogs() error {
	if c.caller.Role == "" {
		return nil
	}
	target := c.r.Header.Get("X-Amz-Target")
	action := "logs:" + target[strings.LastIndexByte(target, '.')+1:]
	var named struct {
		Group      string `json:"logGroupName"`
		Identifier string `json:"logGroupIdentifier"` // a name or an ARN
		Stream     string `json:"logStreamName"`
	}
	_ = json.Unmarshal(c.body, &named) // one that makes no sense names nothing
	group := named.Group
	if group == "" {
		group = strings.TrimSuffix(named.Identifier, ":*")
		if _, name, ok := strings.Cut(group, ":log-group:"); ok {
			group = name
		}
	}
	resource := "arn:aws:logs:" + c.region + ":" + c.caller.AccountID + ":log-group:" + group + ":log-stream:" + named.Stream
	if c.decide != nil && c.decide(c.caller, &policy.Request{Action: action, Resource: resource, Context: c.circumstances()}) == policy.Allow {
		return nil
	}
	return lambda.Errorf(lambda.KindDenied, "User: %s is not authorized to perform: %.64s on resource: %.600s because no identity-based policy allows the %.64s action",
		c.caller.ARN, action, resource, action)
}
