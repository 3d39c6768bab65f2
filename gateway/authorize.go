package gateway

import (
	"net/http"
	"slices"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/policy"
)

// Who may do what is decided here, and nowhere else:
//
// An account's own key may do everything in its account, unless a function's resource policy denies it; it may always read
// and replace that policy, so that nobody locks himself out. A caller with a role needs a policy of the role, or a
// resource policy that names the role or its session. Another account's caller needs a resource policy, and with a role a
// policy of that, too. A Deny of either wins over everything.

// access says how an operation is authorised.
type access struct {
	action   string // IAM's name of it, like lambda:InvokeFunction
	resource kind   // what its first label names
	shared   bool   // a resource policy may let other accounts use it
	keeps    bool   // an account's own key is never denied it
}

// kind is a kind of resource.
type kind int

const (
	kindAny        kind = iota // nothing in the path; "*" in policies
	kindFunction               // a function by name or ARN
	kindARN                    // whatever the ARN in the path names
	kindLayer                  // a layer by name or ARN, maybe with a version behind it
	kindIdentifier             // something else by its id
)

// actionInvoke is the action of all ways of invoking.
const actionInvoke = "lambda:InvokeFunction"

// actions are those of operations whose action has another name.
var actions = map[string]string{
	"Invoke":                   actionInvoke,
	"InvokeWithResponseStream": actionInvoke,
	"GetLayerVersionByArn":     "lambda:GetLayerVersion",
}

// shared are the operations that another account may be allowed. Source: AWS Lambda developer guide, "Granting Lambda function
// access to other accounts"; of those, the ones whose handlers use the call's account instead of the caller's.
var shared = []string{
	"Invoke", "InvokeWithResponseStream", "GetFunction", "GetFunctionConfiguration", "GetFunctionConcurrency", "GetPolicy",
	"ListVersionsByFunction", "PublishVersion", "CreateAlias", "GetAlias", "UpdateAlias", "DeleteAlias", "ListAliases",
	"PutFunctionConcurrency", "DeleteFunctionConcurrency",
}

// keeping are the operations on a resource policy itself.
var keeping = []string{"GetPolicy", "AddPermission", "RemovePermission", "GetResourcePolicy", "PutResourcePolicy", "DeleteResourcePolicy"}

func accessOf(op api.Operation) access {
	a := access{action: actions[op.Name], shared: slices.Contains(shared, op.Name), keeps: slices.Contains(keeping, op.Name)}
	if a.action == "" {
		a.action = "lambda:" + op.Name
	}
	_, label, _ := strings.Cut(op.Path, "{")
	switch label, _, _ = strings.Cut(label, "}"); {
	case label == "":
	case label == "FunctionName":
		a.resource = kindFunction
	case strings.HasSuffix(label, "Arn") || label == "Resource":
		a.resource = kindARN
	case label == "LayerName":
		a.resource = kindLayer
	default:
		a.resource = kindIdentifier
	}
	return a
}

// authorize sets the account that the call is about and refuses the call unless policies allow it.
func (c *call) authorize() error {
	c.account = c.caller.AccountID
	ref, isFunction := c.target()
	if ref.Account != "" && ref.Account != c.account {
		if ref.Region != "" && ref.Region != c.region {
			return nil // own refuses it
		}
		if !c.route.shared {
			return c.denied(c.route.action, lambda.FunctionARN(c.region, ref.Account, ref.Name, ref.Qualifier), noResourcePolicy)
		}
		c.account = ref.Account
	}
	var document *policy.Document
	if isFunction {
		var err error
		if document, err = c.functions.Policy(c.account, ref.Name, ref.Qualifier); err != nil {
			return err
		}
	}
	if document == nil && c.unrestricted() && c.account == c.caller.AccountID {
		return nil
	}
	if c.route.keeps && c.unrestricted() && c.account == c.caller.AccountID {
		return nil
	}
	in := c.request()
	in.resource, in.document = c.resource(ref, isFunction, in), document
	if in.action == actionInvoke {
		in.context[policy.KeyInvokedViaFunctionURL] = []string{"false"}
	}
	if err := c.allow(in); err != nil {
		return err
	}
	return c.passRole(in)
}

// allowFunction makes account the one that the call is about, and refuses an action on a function of it that policies do
// not allow.
func (c *call) allowFunction(action, account, name, qualifier string) error {
	c.account = account
	document, err := c.functions.Policy(account, name, qualifier)
	if err != nil || document == nil && c.unrestricted() && account == c.caller.AccountID {
		return err
	}
	return c.allow(&question{
		action: action, resource: lambda.FunctionARN(c.region, account, name, qualifier), document: document, context: c.conditions(),
	})
}

// target is the function that the call is about: that of the path. false if there is none, or its name is malformed; then
// the operation refuses it.
func (c *call) target() (lambda.FunctionRef, bool) {
	switch c.route.resource {
	case kindFunction:
		raw, query := c.labels[0], c.query("Qualifier")
		if plainName(raw) {
			return lambda.FunctionRef{Name: raw, Qualifier: query}, true
		}
		ref, ok := lambda.ParseFunctionRef(c.label(0))
		if ref.Qualifier == "" {
			ref.Qualifier = query
		}
		return ref, ok
	case kindARN:
		if arn := c.label(0); strings.Contains(arn, ":function:") {
			return lambda.ParseFunctionRef(arn)
		}
	}
	return lambda.FunctionRef{}, false
}

// Why nothing allows a call, in AWS's words. Source: IAM user guide, "Troubleshoot access denied error messages".
const (
	noIdentityPolicy = "because no identity-based policy allows the %s action"
	noResourcePolicy = "because no resource-based policy allows the %s action"
	identityDenies   = "with an explicit deny in an identity-based policy"
	resourceDenies   = "with an explicit deny in a resource-based policy"
)

// question is whether a caller may do something.
type question struct {
	anonymous        bool
	action, resource string
	document         *policy.Document // the resource's policy; nil: none
	context          policy.Context
	body             authorizedBody
}

// Identities decides by the policies of callers themselves.
type Identities interface {
	// Decide says what the policies of id's role and session say about r: Neither if nothing allows it. For an account's own
	// key it is Allow.
	Decide(id auth.Identity, r *policy.Request) policy.Decision
}

// unrestricted reports whether the caller is an account's own key, or a session of it that was not restricted.
func (c *call) unrestricted() bool { return c.caller.Role == "" && c.caller.Policy == "" }

// allowOwn refuses what the caller's own policies do not allow it to do with something of its account that has no policy.
func (c *call) allowOwn(action, resource string) error {
	if c.unrestricted() {
		return nil
	}
	c.account = c.caller.AccountID
	return c.allow(&question{action: action, resource: resource, context: c.conditions()})
}

// allow refuses what policies do not allow the caller to do with a resource of c.account.
func (c *call) allow(q *question) error {
	r := policy.Request{Principal: c.principal(q), Action: q.action, Resource: q.resource, Context: q.context}
	identity := c.identityDecision(q, &r)
	resource := policy.Neither
	if q.document != nil {
		resource = q.document.Evaluate(&r)
	}
	if resource == policy.Allow && !q.anonymous && c.caller.Policy != "" {
		resource = policy.Delegate // what restricts a session restricts what resources give it, too
	}
	same := !q.anonymous && c.caller.AccountID == c.account
	switch {
	case resource == policy.Deny:
		return c.denied(q.action, q.resource, resourceDenies)
	case identity == policy.Deny:
		return c.denied(q.action, q.resource, identityDenies)
	case same && (identity == policy.Allow || resource == policy.Allow):
		return nil
	case !same && resource >= policy.Delegate && (q.anonymous || identity == policy.Allow):
		return nil
	case same || resource >= policy.Delegate:
		return c.denied(q.action, q.resource, noIdentityPolicy)
	}
	return c.denied(q.action, q.resource, noResourcePolicy)
}

// identityDecision is what the caller's own policies say. An account's own key needs none.
func (c *call) identityDecision(q *question, r *policy.Request) policy.Decision {
	switch {
	case q.anonymous:
		return policy.Neither
	case c.unrestricted():
		return policy.Allow
	case c.identities == nil:
		return policy.Neither
	}
	return c.identities.Decide(c.caller, r)
}

func (c *call) principal(q *question) policy.Principal {
	if q.anonymous {
		return policy.Principal{}
	}
	return policy.Principal{Account: c.caller.AccountID, ARN: c.caller.ARN, Role: c.caller.Role}
}

func (c *call) denied(action, resource, why string) error {
	why = strings.Replace(why, "%s", action, 1)
	return lambda.Errorf(lambda.KindDenied, "User: %s is not authorized to perform: %s on resource: %s %s", c.caller.ARN, action, resource, why)
}

// passRole refuses a caller with a role that gives a function a role which it may not pass on.
func (c *call) passRole(q *question) error {
	if c.unrestricted() || q.body.Role == "" || c.r.Method == http.MethodGet {
		return nil
	}
	return c.allow(&question{
		action: "iam:PassRole", resource: q.body.Role,
		context: merged(q.context, policy.Context{policy.KeyPassedToService: {"lambda.amazonaws.com"}}),
	})
}
