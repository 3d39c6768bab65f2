package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) listFunctionsByCodeSigningConfig() error {
	account, arn := c.caller.AccountID, c.label(0)
	limit, err := maxItems(c.query("MaxItems"))
	if err != nil {
		return err
	}
	if err := api.CheckSigningARN(arn, limit); err != nil {
		return err
	}
	p, err := readPage(c.query("Marker"), limit)
	if err != nil {
		return err
	}
	if _, err := c.signing.Get(account, arn); err != nil {
		return err
	}
	names, more := c.functions.Signing(account, arn, p.after, p.size)
	answer := api.ListFunctionsByCodeSigningConfigAnswer{FunctionArns: []string{}}
	for _, name := range names {
		answer.FunctionArns = append(answer.FunctionArns, lambda.FunctionARN(c.region, account, name, ""))
	}
	if more {
		answer.NextMarker = marker(names[len(names)-1])
	}
	return c.json(http.StatusOK, answer)
}
