package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) listCodeSigningConfigs() error {
	limit, err := maxItems(c.query("MaxItems"))
	if err != nil {
		return err
	}
	if err := api.CheckMaxItems(limit); err != nil {
		return err
	}
	p, err := readPage(c.query("Marker"), limit)
	if err != nil {
		return err
	}
	list, more := c.signing.List(c.caller.AccountID, p.after, p.size)
	answer := api.ListCodeSigningConfigsAnswer{CodeSigningConfigs: []api.CodeSigningConfig{}}
	for _, v := range list {
		answer.CodeSigningConfigs = append(answer.CodeSigningConfigs, c.signingConfig(v))
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].ID)
	}
	return c.json(http.StatusOK, answer)
}
