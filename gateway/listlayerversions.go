package gateway

import (
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
)

func (c *call) listLayerVersions() error {
	ref, err := c.ownLayer()
	if err != nil {
		return err
	}
	filter, p, err := c.layerFilter()
	if err != nil {
		return err
	}
	below := 0
	if p.after != "" {
		if below, err = strconv.Atoi(p.after); err != nil || below < 1 {
			return badMarker()
		}
	}
	list, more := c.layers.Versions(ref.Account, ref.Name, filter, below, p.size)
	answer := api.ListLayerVersionsAnswer{LayerVersions: []api.LayerVersion{}}
	for _, v := range list {
		answer.LayerVersions = append(answer.LayerVersions, c.layerVersion(ref.Account, v))
	}
	if more {
		answer.NextMarker = marker(strconv.Itoa(list[len(list)-1].Number))
	}
	return c.json(http.StatusOK, answer)
}
