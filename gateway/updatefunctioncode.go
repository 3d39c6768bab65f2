package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) updateFunctionCode() error {
	var in api.UpdateFunctionCodeRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	c.body = nil // a large one; the zip was copied out of it
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
	if err := native(in.Architectures); err != nil {
		return err
	}
	zip, err := c.source(&in.FunctionCode)
	if err != nil {
		return err
	}
	f, err := c.functions.UpdateCode(c.r.Context(), control.UpdateCodeInput{
		Account: c.caller.AccountID, Name: name, Zip: zip, RevisionID: in.RevisionId, DryRun: is(in.DryRun),
		Publish: is(in.Publish),
	})
	if err != nil {
		return err
	}
	qualifier := ""
	if is(in.Publish) && !is(in.DryRun) {
		qualifier = f.Version
	}
	return c.json(http.StatusOK, c.configuration(f, qualifier))
}
