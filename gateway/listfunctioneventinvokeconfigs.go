package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) listFunctionEventInvokeConfigs() error {
	name, p, err := c.page(maxListItems)
	if err != nil {
		return err
	}
	from := c.query("Marker") == "" // the marker of the function itself is empty
	list, more, err := c.functions.EventInvokes(c.caller.AccountID, name, p.after, from, p.size)
	if err != nil {
		return err
	}
	answer := api.ListEventInvokeConfigs{FunctionEventInvokeConfigs: []api.EventInvokeConfig{}}
	for i := range list {
		answer.FunctionEventInvokeConfigs = append(answer.FunctionEventInvokeConfigs, c.eventInvokeConfig(name, list[i].Qualifier, &list[i].EventInvoke))
	}
	if more {
		last := list[len(list)-1].Qualifier
		if last == "" {
			last = "$" // stands before every name and number
		}
		answer.NextMarker = marker(last)
	}
	return c.json(http.StatusOK, answer)
}
