package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
)

func (c *call) listLayers() error {
	filter, p, err := c.layerFilter()
	if err != nil {
		return err
	}
	account := c.caller.AccountID
	list, more := c.layers.List(account, filter, p.after, p.size)
	answer := api.ListLayersAnswer{Layers: []api.LayerSummary{}}
	for _, v := range list {
		answer.Layers = append(answer.Layers, api.LayerSummary{
			LayerName: v.Name, LayerArn: c.layers.Ref(account, v).Layer().ARN(), LatestMatchingVersion: c.layerVersion(account, v),
		})
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].Name)
	}
	return c.json(http.StatusOK, answer)
}
