package gateway

import (
	"encoding/base64"
	"strconv"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// maxListItems is the largest page of a list, whatever MaxItems says. Source: Lambda API, ListFunctions and others.
const maxListItems = 50

// page says which part of a list is asked for.
type page struct {
	after string // what the marker stands for; "" for the first page
	size  int    // 1 to maxListItems
}

// page reads the name of the path and the query of a list about one function. most is the bound of MaxItems.
func (c *call) page(most int) (name string, p page, err error) {
	limit, err := maxItems(c.query("MaxItems"))
	if err != nil {
		return "", p, err
	}
	if err := api.CheckPage(c.label(0), limit, most); err != nil {
		return "", p, err
	}
	if name, err = c.unqualified(c.label(0), false); err != nil {
		return "", p, err
	}
	p, err = readPage(c.query("Marker"), limit)
	return name, p, err
}

// readPage reads a marker that marker made, and a MaxItems that was checked; nil if it was not given.
func readPage(marker string, limit *int) (page, error) {
	after, err := base64.RawURLEncoding.DecodeString(marker)
	if err != nil {
		return page{}, badMarker()
	}
	p := page{after: string(after), size: maxListItems}
	if limit != nil {
		p.size = min(p.size, *limit)
	}
	return p, nil
}

func badMarker() error {
	return lambda.Errorf(lambda.KindInvalid, "The Marker is not one that this operation returned")
}

// marker names the member of a list behind which the next page begins.
func marker(last string) string { return base64.RawURLEncoding.EncodeToString([]byte(last)) }

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
