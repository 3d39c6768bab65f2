package gateway

import (
	"maps"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// Why whole families of operations have no handler.
const (
	noProviders = "capacity providers describe EC2 instances of an AWS account; the capacity of Thaw is that of its hosts"
)

// refusals say why operations have no handler.
var refusals = map[string]string{
	"CreateCapacityProvider":                 noProviders,
	"ListCapacityProviders":                  noProviders,
	"GetCapacityProvider":                    noProviders,
	"UpdateCapacityProvider":                 noProviders,
	"DeleteCapacityProvider":                 noProviders,
	"ListFunctionVersionsByCapacityProvider": noProviders,
	"PutFunctionScalingConfig":               "it scales functions on capacity providers, and " + noProviders,
	"GetFunctionScalingConfig":               "it tells how functions on capacity providers scale, and " + noProviders,
}

// Refusals returns the operations of the Lambda API that have no handler, by name, and why each has none.
func Refusals() map[string]string {
	all := maps.Clone(refusals)
	for _, op := range api.Operations {
		if _, ok := handlers[op.Name]; !ok && all[op.Name] == "" {
			all[op.Name] = "not implemented yet"
		}
	}
	return all
}

// notImplemented answers an operation without a handler.
func (c *call) notImplemented() error {
	return lambda.Errorf(lambda.KindNotImplemented, "The operation %s is not implemented by Thaw: %s", c.route.name, Refusals()[c.route.name])
}
