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
			ConcurrentExecutions:           c.functions.AccountConcurrency(),
			UnreservedConcurrentExecutions: c.functions.Unreserved(c.caller.AccountID),
		},
		AccountUsage: api.AccountUsage{TotalCodeSize: usage.CodeBytes, FunctionCount: usage.Functions},
	})
}
