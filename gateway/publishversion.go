package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) publishVersion() error {
	var in api.PublishVersionRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	name, err := c.unqualified(c.label(0), true)
	if err != nil {
		return err
	}
	if given(in.PublishTo) {
		return api.NotYet("PublishTo")
	}
	f, err := c.functions.PublishVersion(c.r.Context(), control.PublishInput{
		Account: c.account, Name: name, CodeSHA256: in.CodeSha256, Description: in.Description, RevisionID: in.RevisionId,
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.configuration(f, f.Version))
}
