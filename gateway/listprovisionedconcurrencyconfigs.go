package gateway

import (
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) listProvisionedConcurrencyConfigs() error {
	name, p, err := c.page(50)
	if err != nil {
		return err
	}
	after := 0
	if p.after != "" {
		if after, err = strconv.Atoi(p.after); err != nil {
			return badMarker()
		}
	}
	list, more, err := c.functions.ListProvisioned(c.caller.AccountID, name, after, p.size)
	if err != nil {
		return err
	}
	answer := api.ListProvisionedAnswer{ProvisionedConcurrencyConfigs: []api.ProvisionedConcurrency{}}
	for i := range list {
		member := provisioned(&list[i])
		member.FunctionArn = lambda.FunctionARN(c.region, c.caller.AccountID, name, list[i].Qualifier())
		answer.ProvisionedConcurrencyConfigs = append(answer.ProvisionedConcurrencyConfigs, member)
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].Version)
	}
	return c.json(http.StatusOK, answer)
}
