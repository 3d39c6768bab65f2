package gateway

import (
	"encoding/json"
	"maps"
	"net"
	"strconv"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// authorizedBody is what policies may ask about a request's body. The members stand in several operations' bodies.
type authorizedBody struct {
	FunctionName         string
	Role                 string
	Tags                 map[string]string
	Layers               []string
	CodeSigningConfigArn string
	Principal            string
	AuthType             string
	FunctionUrlAuthType  string
}

// request is the question of whether the caller may do the call, without its resource.
func (c *call) request() *question {
	q := &question{action: c.route.action, context: c.conditions()}
	if c.unrestricted() || c.route.action == actionInvoke || c.route.name == "InvokeAsync" {
		return q
	}
	_ = json.Unmarshal(c.body, &q.body) // the operation refuses what it cannot read
	add := func(key string, values ...string) {
		if len(values) > 0 && values[0] != "" {
			q.context[key] = values
		}
	}
	add(policy.KeyLayer, q.body.Layers...)
	add(policy.KeyCodeSigningConfigARN, q.body.CodeSigningConfigArn)
	add(policy.KeyPermissionPrincipal, q.body.Principal)
	add(policy.KeyFunctionURLAuthType, q.body.AuthType+q.body.FunctionUrlAuthType) // no operation has both
	for key, value := range q.body.Tags {
		q.context[policy.KeyRequestTag+key] = []string{value}
		q.context[policy.KeyTagKeys] = append(q.context[policy.KeyTagKeys], key)
	}
	if c.route.name == "UntagResource" {
		add(policy.KeyTagKeys, c.r.URL.Query()["tagKeys"]...)
	}
	return q
}

// resource is the ARN that policies know the call's target by, "*" if it has none.
func (c *call) resource(ref lambda.FunctionRef, isFunction bool, q *question) string {
	name := q.body.FunctionName
	if c.route.resource == kindAny && name != "" {
		if body, ok := lambda.ParseFunctionRef(name); ok {
			arn := lambda.FunctionARN(c.region, c.account, body.Name, body.Qualifier)
			if c.route.name == "CreateFunction" {
				return arn
			}
			q.context[policy.KeyFunctionARN] = []string{arn}
		}
	}
	switch {
	case isFunction:
		if f, err := c.functions.Get(c.account, ref.Name, ""); err == nil {
			for key, value := range f.Tags {
				q.context[policy.KeyResourceTag+key] = []string{value}
			}
		}
		return lambda.FunctionARN(c.region, c.account, ref.Name, ref.Qualifier)
	case c.route.resource == kindARN:
		return c.label(0)
	case c.route.name == "GetLayerVersionByArn":
		return c.query("Arn")
	case c.route.resource == kindLayer:
		arn := c.label(0)
		if !strings.HasPrefix(arn, "arn:") {
			arn = "arn:aws:lambda:" + c.region + ":" + c.account + ":layer:" + arn
		}
		if version := c.labels[1]; version != "" {
			arn += ":" + version
		}
		return arn
	case c.route.resource == kindIdentifier && strings.Contains(c.route.action, "DurableExecutionCallback"):
		if ref, ok := c.executions.CallbackRef(c.account, c.label(0)); ok {
			return ref.ARN()
		}
	case c.route.resource == kindIdentifier && strings.Contains(c.route.action, "EventSourceMapping"):
		return "arn:aws:lambda:" + c.region + ":" + c.account + ":event-source-mapping:" + c.label(0)
	}
	return "*"
}

// conditions are the values of condition keys that every request has.
func (c *call) conditions() policy.Context {
	now := time.Now().UTC()
	host, _, err := net.SplitHostPort(c.r.RemoteAddr)
	if err != nil {
		host = c.r.RemoteAddr
	}
	context := policy.Context{
		policy.KeySourceIP:        {host},
		policy.KeyCurrentTime:     {now.Format(time.RFC3339)},
		policy.KeyEpochTime:       {strconv.FormatInt(now.Unix(), 10)},
		policy.KeySecureTransport: {strconv.FormatBool(c.r.TLS != nil)},
		policy.KeyRequestedRegion: {c.region},
	}
	if agent := c.r.UserAgent(); agent != "" {
		context[policy.KeyUserAgent] = []string{agent}
	}
	if c.caller.AccountID == "" {
		context[policy.KeyPrincipalType] = []string{"Anonymous"}
		return context
	}
	context[policy.KeyPrincipalAccount] = []string{c.caller.AccountID}
	context[policy.KeyUserID] = []string{c.caller.UserID}
	if c.caller.Role == "" {
		context[policy.KeyPrincipalARN], context[policy.KeyPrincipalType] = []string{c.caller.ARN}, []string{"Account"}
	} else {
		context[policy.KeyPrincipalARN], context[policy.KeyPrincipalType] = []string{c.caller.Role}, []string{"AssumedRole"}
	}
	return context
}

func merged(a, b policy.Context) policy.Context {
	a = maps.Clone(a)
	maps.Copy(a, b)
	return a
}
