package gateway

import (
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) tagResource() error {
	var in api.TagResourceRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	var err error
	if account, arn := c.caller.AccountID, c.label(0); isSigning(arn) {
		err = c.signing.Tag(c.r.Context(), account, arn, in.Tags)
	} else if name, e := c.tagged(arn); e != nil {
		err = e
	} else {
		err = c.functions.Tag(c.r.Context(), account, name, in.Tags)
	}
	if err != nil {
		return err
	}
	return c.nothing()
}

func (c *call) untagResource() error {
	keys := c.r.URL.Query()["tagKeys"]
	if err := api.CheckUntag(c.label(0), keys); err != nil {
		return err
	}
	var err error
	if account, arn := c.caller.AccountID, c.label(0); isSigning(arn) {
		err = c.signing.Untag(c.r.Context(), account, arn, keys)
	} else if name, e := c.tagged(arn); e != nil {
		err = e
	} else {
		err = c.functions.Untag(c.r.Context(), account, name, keys)
	}
	if err != nil {
		return err
	}
	return c.nothing()
}

func (c *call) listTags() error {
	if err := api.CheckResource(c.label(0)); err != nil {
		return err
	}
	tags, err := c.tags(c.label(0))
	if err != nil {
		return err
	}
	if tags == nil {
		tags = map[string]string{}
	}
	return c.json(http.StatusOK, api.ListTagsAnswer{Tags: tags})
}

// tags returns the tags of a resource by its ARN.
func (c *call) tags(resource string) (map[string]string, error) {
	if isSigning(resource) {
		v, err := c.signing.Get(c.caller.AccountID, resource)
		if err != nil {
			return nil, err
		}
		return v.Tags, nil
	}
	name, err := c.tagged(resource)
	if err != nil {
		return nil, err
	}
	f, err := c.functions.Get(c.caller.AccountID, name, "")
	return f.Tags, err
}

// isSigning reports whether a resource is a code signing configuration.
func isSigning(resource string) bool { return strings.Contains(resource, ":code-signing-config:") }

// tagged returns the name of the function whose ARN is resource.
func (c *call) tagged(resource string) (string, error) {
	if !strings.Contains(resource, ":function:") {
		return "", lambda.Errorf(lambda.KindNotFound, "Resource not found: %.256s", resource)
	}
	ref, err := c.own(resource)
	if err != nil {
		return "", err
	}
	if ref.Qualifier != "" {
		return "", lambda.Errorf(lambda.KindInvalid,
			"Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return ref.Name, nil
}
