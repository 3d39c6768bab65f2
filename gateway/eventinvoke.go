package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

var eventHandlers = map[string]handler{
	"InvokeAsync":                     {(*call).invokeAsync, lambda.MaxEventPayloadBytes},
	"PutFunctionEventInvokeConfig":    {(*call).putFunctionEventInvokeConfig, smallBody},
	"UpdateFunctionEventInvokeConfig": {(*call).updateFunctionEventInvokeConfig, smallBody},
	"GetFunctionEventInvokeConfig":    {(*call).getFunctionEventInvokeConfig, smallBody},
	"DeleteFunctionEventInvokeConfig": {(*call).deleteFunctionEventInvokeConfig, smallBody},
	"ListFunctionEventInvokeConfigs":  {(*call).listFunctionEventInvokeConfigs, smallBody},
	"PutFunctionRecursionConfig":      {(*call).putFunctionRecursionConfig, smallBody},
	"GetFunctionRecursionConfig":      {(*call).getFunctionRecursionConfig, smallBody},
}

// eventInvoked returns the function and the qualifier whose settings the request is about.
func (c *call) eventInvoked() (lambda.FunctionRef, error) {
	query := c.query("Qualifier")
	if err := api.CheckEventInvoke(c.label(0), query); err != nil {
		return lambda.FunctionRef{}, err
	}
	return c.function(c.label(0), query)
}

// eventInvokeInput reads the body of a Put or an Update.
func (c *call) eventInvokeInput() (control.EventInvokeInput, error) {
	var in api.EventInvokeRequest
	if err := api.Decode(c.body, &in); err != nil {
		return control.EventInvokeInput{}, err
	}
	query := c.query("Qualifier")
	if err := in.Check(c.label(0), query); err != nil {
		return control.EventInvokeInput{}, err
	}
	ref, err := c.function(c.label(0), query)
	out := control.EventInvokeInput{
		Account: c.caller.AccountID, Name: ref.Name, Qualifier: ref.Qualifier,
		MaxRetries: in.MaximumRetryAttempts, MaxAge: in.MaximumEventAgeInSeconds,
	}
	if d := in.DestinationConfig; d != nil {
		out.OnSuccess, out.OnFailure = destinationARN(d.OnSuccess), destinationARN(d.OnFailure)
	}
	return out, err
}

// destinationARN is the ARN of a destination that is given together with another one; "" if it is absent.
func destinationARN(d *api.Destination) *string {
	if d == nil || d.Destination == nil {
		return new(string)
	}
	return d.Destination
}

// eventInvokeConfig is how the API shows e.
func (c *call) eventInvokeConfig(function, qualifier string, e *lambda.EventInvoke) api.EventInvokeConfig {
	if qualifier == "" {
		qualifier = lambda.Latest
	}
	shown := func(arn string) *api.Destination {
		if arn == "" {
			return &api.Destination{}
		}
		return &api.Destination{Destination: &arn}
	}
	return api.EventInvokeConfig{
		LastModified: api.EpochSeconds(e.Modified), FunctionArn: lambda.FunctionARN(c.region, c.caller.AccountID, function, qualifier),
		MaximumRetryAttempts: e.MaxRetries, MaximumEventAgeInSeconds: e.MaxAge,
		DestinationConfig: api.DestinationConfig{OnSuccess: shown(e.OnSuccess), OnFailure: shown(e.OnFailure)},
	}
}
