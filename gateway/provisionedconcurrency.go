package gateway

import (
	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// provisioned is how the API shows p.
func provisioned(p *control.Provisioned) api.ProvisionedConcurrency {
	return api.ProvisionedConcurrency{
		RequestedProvisionedConcurrentExecutions: p.Requested,
		AvailableProvisionedConcurrentExecutions: p.Available,
		AllocatedProvisionedConcurrentExecutions: p.Allocated,
		Status:                                   string(p.Status),
		StatusReason:                             p.Reason,
		LastModified:                             api.FormatTimestamp(p.LastModified),
	}
}

// qualified returns the function and the version or alias that the path and the required Qualifier of the query name.
func (c *call) qualified() (lambda.FunctionRef, error) {
	query := c.query("Qualifier")
	if err := api.CheckQualified(c.label(0), query); err != nil {
		return lambda.FunctionRef{}, err
	}
	return c.function(c.label(0), query)
}

var concurrencyHandlers = map[string]handler{
	"GetFunctionConcurrency":             {(*call).getFunctionConcurrency, smallBody},
	"PutFunctionConcurrency":             {(*call).putFunctionConcurrency, smallBody},
	"DeleteFunctionConcurrency":          {(*call).deleteFunctionConcurrency, smallBody},
	"PutProvisionedConcurrencyConfig":    {(*call).putProvisionedConcurrencyConfig, smallBody},
	"GetProvisionedConcurrencyConfig":    {(*call).getProvisionedConcurrencyConfig, smallBody},
	"DeleteProvisionedConcurrencyConfig": {(*call).deleteProvisionedConcurrencyConfig, smallBody},
	"ListProvisionedConcurrencyConfigs":  {(*call).listProvisionedConcurrencyConfigs, smallBody},
}
