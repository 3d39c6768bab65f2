package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) getAccountSettings() error {
	usage := c.functions.Usage(c.caller.AccountID)
	return c.json(http.StatusOK, api.AccountSettingsAnswer{
		AccountLimit: api.AccountLimit{
			TotalCodeSize:                  lambda.MaxCodeStorageBytes,
			CodeSizeUnzipped:               lambda.MaxUnzippedBytes,
			CodeSizeZipped:                 lambda.MaxZipBytes,
			ConcurrentExecutions:           lambda.AccountConcurrency,
			UnreservedConcurrentExecutions: lambda.AccountConcurrency,
		},
		AccountUsage: api.AccountUsage{TotalCodeSize: usage.CodeBytes, FunctionCount: usage.Functions},
	})
}
