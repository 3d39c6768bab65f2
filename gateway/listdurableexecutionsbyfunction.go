package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
)

func (c *call) listDurableExecutionsByFunction() error {
	limit, items, err := c.durablePage()
	if err != nil {
		return err
	}
	query := c.r.URL.Query()
	if err := api.CheckExecutionList(c.label(0), query.Get("Qualifier"), query, limit); err != nil {
		return err
	}
	ref, err := c.function(c.label(0), query.Get("Qualifier"))
	if err != nil {
		return err
	}
	if _, err := c.functions.Get(c.account, ref.Name, ""); err != nil {
		return err
	}
	f := durable.Filter{Qualifier: ref.Qualifier, Name: query.Get("DurableExecutionName")}
	for _, s := range query["Statuses"] {
		f.Statuses = append(f.Statuses, durable.Status(s))
	}
	if f.After, err = c.timeQuery("StartedAfter"); err != nil {
		return err
	}
	if f.Before, err = c.timeQuery("StartedBefore"); err != nil {
		return err
	}
	if f.OldestFirst, err = c.boolQuery("ReverseOrder", false); err != nil {
		return err
	}
	p, err := readPage(query.Get("Marker"), nil)
	if err != nil {
		return err
	}
	list, more := c.executions.List(c.account, ref.Name, f, p.after, items)
	answer := api.ListDurableExecutionsAnswer{DurableExecutions: []api.DurableExecution{}}
	for i := range list {
		answer.DurableExecutions = append(answer.DurableExecutions, c.durableSummary(&list[i]))
	}
	if more {
		answer.NextMarker = marker(list[len(list)-1].ID)
	}
	return c.json(http.StatusOK, answer)
}
