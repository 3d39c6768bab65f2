package gateway

import (
	"cmp"
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/iam"
)

// iamActions are the actions of IAM: those about roles are in iamroles.go and iamrolepolicies.go, those about policies in
// iampolicies.go.
var iamActions = func() map[string]queryAction {
	all := map[string]queryAction{
		"GetUser": {(*call).getUser, func(c *call, _ form) string { return c.caller.ARN }},
	}
	for _, group := range []map[string]queryAction{roleActions, rolePolicyActions, policyActions} {
		maps.Copy(all, group)
	}
	return all
}()

// Where actions are about nothing in particular, about a role, about a policy.
func onAnything(*call, form) string { return "*" }

func onRole(c *call, f form) string {
	if r, err := c.iam.GetRole(c.caller.AccountID, f.get("RoleName")); err == nil {
		return r.ARN
	}
	return "arn:aws:iam::" + c.caller.AccountID + ":role" + cmp.Or(f.get("Path"), "/") + f.get("RoleName")
}

func onPolicy(_ *call, f form) string { return f.get("PolicyArn") }

func onNewPolicy(c *call, f form) string {
	return "arn:aws:iam::" + c.caller.AccountID + ":policy" + cmp.Or(f.get("Path"), "/") + f.get("PolicyName")
}

// getUser describes the caller, if it is the root of an account: there are no other users.
func (c *call) getUser(f form) (any, error) {
	if name := f.get("UserName"); name != "" {
		return nil, &iam.Error{Code: iam.CodeNoSuchEntity, Message: "The user with name " + cut(name) + " cannot be found."}
	}
	if c.caller.Role != "" {
		return nil, &iam.Error{Code: iam.CodeValidation, Message: "Must specify userName when calling with non-User credentials"}
	}
	return api.UserResult{User: api.IAMUser{
		Path: "/", UserName: "root", UserID: c.caller.AccountID, Arn: c.caller.ARN, CreateDate: "2015-04-09T00:00:00Z",
	}}, nil
}

// cut shortens what came from outside for a message.
func cut(s string) string { return s[:min(len(s), 128)] }

func tagList(tags map[string]string) api.QueryList[api.IAMTag] {
	list := api.QueryList[api.IAMTag]{}
	for _, key := range slices.Sorted(maps.Keys(tags)) {
		list = append(list, api.IAMTag{Key: key, Value: tags[key]})
	}
	return list
}

// maxQueryItems is the largest page of a list, and defaultQueryItems that of one without MaxItems. Source: IAM API
// reference.
const (
	maxQueryItems     = 1000
	defaultQueryItems = 100
)

// part returns the part of a list that is asked for. name gives the member of a list that is sorted by it.
func part[T any](f form, list []T, name func(T) string) ([]T, api.IAMPage, error) {
	size := defaultQueryItems
	n, err := f.number("MaxItems")
	if err != nil {
		return nil, api.IAMPage{}, err
	}
	if n != nil {
		size = *n
	}
	after, err := base64.RawURLEncoding.DecodeString(f.get("Marker"))
	if size < 1 || size > maxQueryItems || err != nil {
		return nil, api.IAMPage{}, &iam.Error{Code: iam.CodeValidation, Message: "MaxItems must be from 1 to 1000 and Marker one that this action returned"}
	}
	if len(after) > 0 {
		list = slices.DeleteFunc(list, func(x T) bool { return strings.Compare(name(x), string(after)) <= 0 })
	}
	if len(list) <= size {
		return list, api.IAMPage{}, nil
	}
	list = list[:size]
	return list, api.IAMPage{IsTruncated: true, Marker: marker(name(list[size-1]))}, nil
}
