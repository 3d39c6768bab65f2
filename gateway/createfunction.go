package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
)

func (c *call) createFunction() error {
	var in api.CreateFunctionRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	c.body = nil // a large one; the zip was copied out of it
	if err := in.Check(); err != nil {
		return err
	}
	name, err := c.unqualified(*in.FunctionName, false)
	if err != nil {
		return err
	}
	if err := creatable(&in); err != nil {
		return err
	}
	s, err := settings(&in.FunctionSettings)
	if err != nil {
		return err
	}
	zip, err := c.source(in.Code)
	if err != nil {
		return err
	}
	f, err := c.functions.Create(c.r.Context(), control.CreateInput{
		Account: c.caller.AccountID, Name: name, Caller: c.caller.ARN, Settings: s, Zip: zip, Tags: in.Tags, Publish: is(in.Publish),
		CodeSigning: value(in.CodeSigningConfigArn),
		Tenancy:     tenancy(in.TenancyConfig),
	})
	if err != nil {
		return err
	}
	return c.json(http.StatusCreated, c.configuration(f, "")) // unqualified also with Publish
}

// creatable refuses what only CreateFunction has and Thaw does not do yet.
func creatable(in *api.CreateFunctionRequest) error {
	switch {
	case value(in.PackageType) == "Image":
		return api.NotYet("PackageType Image")
	case given(in.PublishTo):
		return api.NotYet("PublishTo")
	}
	return native(in.Architectures)
}

// tenancy is how the function's environments are kept apart by tenant; "" for not at all.
func tenancy(c *api.TenancyConfig) string {
	if c == nil {
		return ""
	}
	return value(c.TenantIsolationMode)
}
