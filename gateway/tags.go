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
	name, err := c.tagged(c.label(0))
	if err != nil {
		return err
	}
	if err := c.functions.Tag(c.r.Context(), c.caller.AccountID, name, in.Tags); err != nil {
		return err
	}
	return c.nothing()
}

func (c *call) untagResource() error {
	keys := c.r.URL.Query()["tagKeys"]
	if err := api.CheckUntag(c.label(0), keys); err != nil {
		return err
	}
	name, err := c.tagged(c.label(0))
	if err != nil {
		return err
	}
	if err := c.functions.Untag(c.r.Context(), c.caller.AccountID, name, keys); err != nil {
		return err
	}
	return c.nothing()
}

func (c *call) listTags() error {
	if err := api.CheckResource(c.label(0)); err != nil {
		return err
	}
	name, err := c.tagged(c.label(0))
	if err != nil {
		return err
	}
	f, err := c.functions.Get(c.caller.AccountID, name, "")
	if err != nil {
		return err
	}
	answer := api.ListTagsAnswer{Tags: f.Tags}
	if answer.Tags == nil {
		answer.Tags = map[string]string{}
	}
	return c.json(http.StatusOK, answer)
}

// tagged returns the name of the function whose ARN is resource, the only kind of resource there is so far.
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
