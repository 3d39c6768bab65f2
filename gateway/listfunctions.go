package gateway

import (
	"net/http"
	"strings"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) listFunctions() error {
	query := c.r.URL.Query()
	version, region := query.Get("FunctionVersion"), query.Get("MasterRegion")
	limit, err := maxItems(query.Get("MaxItems"))
	if err != nil {
		return err
	}
	if err := api.CheckList(version, region, limit); err != nil {
		return err
	}
	if region != "" && version == "" {
		return lambda.Errorf(lambda.KindInvalid, "FunctionVersion must be set to ALL if MasterRegion is specified")
	}
	p, err := readPage(query.Get("Marker"), limit)
	if err != nil {
		return err
	}
	answer := api.ListFunctionsAnswer{Functions: []api.FunctionConfiguration{}}
	switch {
	case region != "" && region != "ALL" && region != c.region: // replicas of another region's functions: there are none
	case version == "":
		c.listLatest(p, &answer)
	default:
		c.listAllVersions(p, &answer)
	}
	return c.json(http.StatusOK, answer)
}

// listLatest lists functions without their published versions.
func (c *call) listLatest(p page, answer *api.ListFunctionsAnswer) {
	list, more := c.functions.List(c.caller.AccountID, p.after, p.size)
	for _, f := range list {
		answer.Functions = append(answer.Functions, c.summary(&f.Config, ""))
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].Config.Name)
	}
}

// listAllVersions lists functions with their published versions.
func (c *call) listAllVersions(p page, answer *api.ListFunctionsAnswer) {
	name, version, _ := strings.Cut(p.after, ":")
	list, more := c.functions.ListAll(c.caller.AccountID, name, version, p.size)
	for _, f := range list {
		answer.Functions = append(answer.Functions, c.summary(f, f.Version))
	}
	if more {
		last := list[len(list)-1]
		answer.NextMarker = marker(last.Name + ":" + last.Version)
	}
}
