package gateway

import (
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/iam"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// queryBody is the largest form that is read: policies may have 10 KiB, each byte of them three times as long in a form.
const queryBody = 256 << 10

// queryAction is an action of the query protocol.
type queryAction struct {
	do func(c *call, f form) (result any, err error)
	// on is the ARN that the caller must be allowed to do it with; nil: do decides who may.
	on func(c *call, f form) string
}

// queryService is an API of the query protocol.
type queryService struct {
	namespace, version string
	actions            map[string]queryAction
}

// queryServices are the services by the name that requests are signed for.
var queryServices = map[string]queryService{
	"sts": {api.STSNamespace, api.STSVersion, stsActions},
	"iam": {api.IAMNamespace, api.IAMVersion, iamActions},
}

// QueryActions returns the names of all actions of a service of the query protocol, sts or iam, sorted.
func QueryActions(service string) []string {
	return slices.Sorted(maps.Keys(queryServices[service].actions))
}

// namespace is that of the service which the request was signed for; of STS before that is known.
func (c *call) namespace() string {
	if s, ok := queryServices[c.caller.Service]; ok {
		return s.namespace
	}
	return api.STSNamespace
}

// queryProtocol answers requests to "/": a form with an Action, which may be all of the query.
func (c *call) queryProtocol() error {
	if c.r.Method != http.MethodPost && c.r.Method != http.MethodGet {
		return c.unknown()
	}
	c.dialect = dialectQuery
	if err := c.identify(queryBody); err != nil {
		return err
	}
	service, ok := queryServices[c.caller.Service]
	if !ok {
		return &auth.Error{Code: auth.CodeInvalidSignature, Message: "Credential should be scoped to correct service: 'sts'. "}
	}
	f := form(c.r.URL.Query())
	if c.r.Method == http.MethodPost {
		values, err := url.ParseQuery(string(c.body))
		if err != nil {
			return lambda.Errorf(lambda.KindInvalidContent, "The request body is not a form")
		}
		f = form(values)
	}
	name, version := f.get("Action"), f.get("Version")
	action, known := service.actions[name]
	if !known || version != service.version || c.iam == nil && name != "GetCallerIdentity" {
		return lambda.Errorf(lambda.KindUnknownOperation, "Could not find operation %.64s for version %.64s", name, version)
	}
	if action.on != nil {
		if err := c.mayQuery(c.caller.Service+":"+name, action.on(c, f)); err != nil {
			return err
		}
	}
	result, err := action.do(c, f)
	if err != nil {
		return err
	}
	body, err := api.QueryAnswer{Namespace: service.namespace, Action: name, Result: result, RequestID: c.id}.Encode()
	if err != nil {
		return err
	}
	c.respond(http.StatusOK, "text/xml", body)
	return nil
}

// mayQuery refuses an action that the caller's own policies do not allow.
func (c *call) mayQuery(action, resource string) error {
	decision := c.iam.Decide(c.caller, &policy.Request{Action: action, Resource: resource, Context: c.circumstances()})
	if decision == policy.Allow {
		return nil
	}
	reason := "because no identity-based policy allows the " + action + " action"
	if decision == policy.Deny {
		reason = "with an explicit deny in an identity-based policy"
	}
	return &iam.Error{Code: iam.CodeAccessDenied, Message: "User: " + c.caller.ARN + " is not authorized to perform: " + action +
		" on resource: " + resource + " " + reason}
}

// circumstances are the values of condition keys that IAM and STS know.
func (c *call) circumstances() policy.Context {
	arn := c.caller.Role
	if arn == "" {
		arn = c.caller.ARN
	}
	return policy.Context{
		policy.KeyPrincipalAccount: {c.caller.AccountID}, policy.KeyPrincipalARN: {arn}, policy.KeyUserID: {c.caller.UserID},
	}
}

// form is a decoded request of the query protocol.
type form url.Values

func (f form) get(name string) string { return url.Values(f).Get(name) }

// text returns a member that may be absent.
func (f form) text(name string) *string {
	if v, ok := f[name]; ok && len(v) > 0 {
		return &v[0]
	}
	return nil
}

// number returns a member that must be a whole number; nil if it is absent.
func (f form) number(name string) (*int, error) {
	s := f.text(name)
	if s == nil {
		return nil, nil
	}
	n, err := strconv.Atoi(*s)
	if err != nil {
		return nil, &iam.Error{Code: iam.CodeValidation, Message: "The value of " + name + " must be a whole number"}
	}
	return &n, nil
}

// maxMembers bounds a list in a request.
const maxMembers = 100

// list returns the members of a list.
func (f form) list(name string) []string {
	var out []string
	for i := 1; i <= maxMembers; i++ {
		v := f.text(name + ".member." + strconv.Itoa(i))
		if v == nil {
			break
		}
		out = append(out, *v)
	}
	return out
}

// tags returns the member Tags.
func (f form) tags() map[string]string {
	tags := map[string]string{}
	for i := 1; i <= maxMembers; i++ {
		member := "Tags.member." + strconv.Itoa(i)
		key := f.text(member + ".Key")
		if key == nil {
			break
		}
		tags[*key] = f.get(member + ".Value")
	}
	return tags
}

// has reports whether there is a member of that name, or one of a list or structure of that name.
func (f form) has(name string) bool {
	for key := range f {
		if key == name || strings.HasPrefix(key, name+".") {
			return true
		}
	}
	return false
}

// refuseMembers refuses members that mean something which Thaw does not do.
func (f form) refuseMembers(names ...string) error {
	for _, name := range names {
		if f.has(name) {
			return &iam.Error{Code: iam.CodeValidation, Message: name + " is not implemented by Thaw"}
		}
	}
	return nil
}
