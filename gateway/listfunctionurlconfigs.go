package gateway

import (
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
)

func (c *call) listFunctionURLConfigs() error {
	name, p, err := c.page(maxListItems)
	if err != nil {
		return err
	}
	// The marker is a colon and the qualifier, which is "" for the function itself.
	list, more, err := c.functions.URLs(c.account, name, strings.TrimPrefix(p.after, ":"), p.after == "", p.size)
	if err != nil {
		return err
	}
	answer := api.ListFunctionURLConfigsAnswer{FunctionUrlConfigs: []api.FunctionURLConfig{}}
	for i := range list {
		answer.FunctionUrlConfigs = append(answer.FunctionUrlConfigs, c.urlConfig(name, list[i].Qualifier, &list[i].FunctionURL))
	}
	if more {
		answer.NextMarker = marker(":" + list[len(list)-1].Qualifier)
	}
	return c.json(http.StatusOK, answer)
}
