package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) listVersionsByFunction() error {
	name, p, err := c.page(10000)
	if err != nil {
		return err
	}
	list, more, err := c.functions.Versions(c.account, name, p.after, p.size)
	if err != nil {
		return err
	}
	answer := api.ListVersionsAnswer{Versions: []api.FunctionConfiguration{}}
	for _, f := range list {
		answer.Versions = append(answer.Versions, c.summary(f, f.Version))
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].Version)
	}
	return c.json(http.StatusOK, answer)
}
