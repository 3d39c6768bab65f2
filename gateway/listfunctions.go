package gateway

import (
	"encoding/base64"
	"net/http"
	"strconv"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// maxListItems is the largest page of ListFunctions, whatever MaxItems says. Source: Lambda API, ListFunctions.
const maxListItems = 50

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
	after, err := base64.RawURLEncoding.DecodeString(query.Get("Marker"))
	if err != nil {
		return lambda.Errorf(lambda.KindInvalid, "The Marker is not one that ListFunctions returned")
	}
	answer := api.ListFunctionsAnswer{Functions: []api.FunctionConfiguration{}}
	if region != "" && region != "ALL" && region != c.region {
		return c.json(http.StatusOK, answer) // replicas of another region's functions: there are none
	}
	size := maxListItems
	if limit != nil {
		size = min(size, *limit)
	}
	page, more := c.functions.List(c.caller.AccountID, string(after), size)
	qualifier := ""
	if version != "" {
		qualifier = lambda.Latest
	}
	for i := range page {
		answer.Functions = append(answer.Functions, c.summary(&page[i].Config, qualifier))
	}
	if more {
		answer.NextMarker = base64.RawURLEncoding.EncodeToString([]byte(page[len(page)-1].Config.Name))
	}
	return c.json(http.StatusOK, answer)
}

// maxItems reads the query's MaxItems; nil if it is absent.
func maxItems(s string) (*int, error) {
	if s == "" {
		return nil, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		return nil, lambda.Errorf(lambda.KindValidation,
			"1 validation error detected: Value '%.64s' at 'maxItems' failed to satisfy constraint: Member must be a number", s)
	}
	return &n, nil
}
