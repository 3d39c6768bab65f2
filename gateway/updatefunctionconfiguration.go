package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) updateFunctionConfiguration() error {
	var in api.UpdateFunctionConfigurationRequest
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
	s, err := settings(&in.FunctionSettings)
	if err != nil {
		return err
	}
	f, err := c.functions.UpdateConfig(c.r.Context(), control.UpdateConfigInput{
		Account: c.caller.AccountID, Name: name, Caller: c.caller.ARN, Settings: s, RevisionID: in.RevisionId,
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusOK, c.configuration(f, ""))
}
