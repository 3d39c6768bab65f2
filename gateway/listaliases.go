package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) listAliases() error {
	name, p, err := c.page(10000)
	if err != nil {
		return err
	}
	version := c.query("FunctionVersion")
	if err := api.CheckAliases(version); err != nil {
		return err
	}
	list, more, err := c.functions.Aliases(c.account, name, version, p.after, p.size)
	if err != nil {
		return err
	}
	answer := api.ListAliasesAnswer{Aliases: []api.Alias{}}
	for i := range list {
		answer.Aliases = append(answer.Aliases, c.alias(name, &list[i]))
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].Name)
	}
	return c.json(http.StatusOK, answer)
}
