package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// runtimeManagementHandlers say when a function gets a newer version of its runtime.
//
// This server has one version of each runtime, which the operator replaces for all functions at once. Auto and
// FunctionUpdate therefore both mean that version. Manual must name it: there is no other to go back to.
var runtimeManagementHandlers = map[string]handler{
	"PutRuntimeManagementConfig": {(*call).putRuntimeManagementConfig, smallBody},
	"GetRuntimeManagementConfig": {(*call).getRuntimeManagementConfig, smallBody},
}

// Values of UpdateRuntimeOn.
const (
	updateAuto     = "Auto"
	updateFunction = "FunctionUpdate"
	updateManual   = "Manual"
)

func (c *call) putRuntimeManagementConfig() error {
	var in api.PutRuntimeManagementRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(); err != nil {
		return err
	}
	ref, f, err := c.managed()
	if err != nil {
		return err
	}
	on, arn := *in.UpdateRuntimeOn, value(in.RuntimeVersionArn)
	switch {
	case on == updateManual && arn == "":
		return lambda.Errorf(lambda.KindInvalid, "Runtime Version ARN must be specified when UpdateRuntimeOn is set to Manual.")
	case on != updateManual && arn != "":
		return lambda.Errorf(lambda.KindInvalid, "Runtime Version ARN must not be specified unless UpdateRuntimeOn is set to Manual.")
	case on == updateManual && arn != lambda.RuntimeVersionARN(c.region, f.Runtime):
		return lambda.Errorf(lambda.KindInvalid, "The runtime version %.256s is not available: this server has one version of %s, %s",
			arn, f.Runtime, lambda.RuntimeVersionARN(c.region, f.Runtime))
	}
	m := &lambda.RuntimeManagement{UpdateOn: on, RuntimeVersionARN: arn}
	if *m == (lambda.RuntimeManagement{UpdateOn: updateAuto}) {
		m = nil // as it is without
	}
	if err := c.functions.ManageRuntime(c.r.Context(), c.caller.AccountID, ref.Name, ref.Qualifier, m); err != nil {
		return err
	}
	return c.json(http.StatusOK, api.RuntimeManagementAnswer{
		FunctionArn: c.managedARN(ref), UpdateRuntimeOn: on, RuntimeVersionArn: arn,
	})
}

func (c *call) getRuntimeManagementConfig() error {
	ref, _, err := c.managed()
	if err != nil {
		return err
	}
	answer := api.RuntimeManagementAnswer{FunctionArn: c.managedARN(ref), UpdateRuntimeOn: updateAuto}
	f, err := c.functions.Get(c.caller.AccountID, ref.Name, "")
	if err != nil {
		return err
	}
	if m := f.For(ref.Qualifier).RuntimeManagement; m != nil {
		answer.UpdateRuntimeOn, answer.RuntimeVersionArn = m.UpdateOn, m.RuntimeVersionARN
	}
	return c.json(http.StatusOK, answer)
}

// managed is the function, or the version of one, that the path and the query name. Aliases have no runtime of their own.
func (c *call) managed() (lambda.FunctionRef, *lambda.Config, error) {
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return ref, nil, err
	}
	f, err := c.functions.Get(c.caller.AccountID, ref.Name, ref.Qualifier)
	if err != nil {
		return ref, nil, err
	}
	if ref.Qualifier == "" {
		ref.Qualifier = lambda.Latest
	}
	if ref.Qualifier != lambda.Latest && f.Config.Version != ref.Qualifier {
		return ref, nil, lambda.Errorf(lambda.KindInvalid, "Runtime management configurations belong to $LATEST and to published versions, not to aliases.")
	}
	return ref, &f.Config, nil
}

func (c *call) managedARN(ref lambda.FunctionRef) string {
	return lambda.FunctionARN(c.region, c.caller.AccountID, ref.Name, ref.Qualifier)
}
