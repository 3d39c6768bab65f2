package gateway

import (
	"net/http"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

func (c *call) getDurableExecution() error {
	if err := api.CheckExecution(c.label(0), nil); err != nil {
		return err
	}
	ref, err := c.execution()
	if err != nil {
		return err
	}
	included, err := c.boolQuery("IncludeExecutionData", true)
	if err != nil {
		return err
	}
	d, err := c.executions.Get(c.r.Context(), ref)
	if err != nil {
		return err
	}
	answer := c.durableSummary(&d.Summary)
	answer.Version, answer.ExecutionDataIncluded = d.Version, &included
	answer.DurableConfig = &api.DurableConfigAnswer{RetentionPeriodInDays: d.Days, ExecutionTimeout: d.Timeout}
	if d.Trace != "" {
		answer.TraceHeader = &api.TraceHeader{XAmznTraceId: d.Trace}
	}
	if d.Status == durable.Running {
		answer.ExpectedExecutionTimeoutTimestamp = api.FormatSeconds(d.Started.Add(time.Duration(d.Timeout) * time.Second))
	}
	if included {
		answer.InputPayload, answer.Result, answer.Error = d.Input, d.Result, errorObject(d.Error)
	}
	return c.json(http.StatusOK, answer)
}

// durableSummary is how the API shows an execution in a list.
func (c *call) durableSummary(s *durable.Summary) api.DurableExecution {
	a := api.DurableExecution{
		DurableExecutionArn: s.Ref(c.region).ARN(), DurableExecutionName: s.Name,
		FunctionArn: lambda.FunctionARN(c.region, s.Account, s.Function, s.Version), Status: string(s.Status), StartTimestamp: api.FormatSeconds(s.Started),
	}
	if !s.Ended.IsZero() {
		a.EndTimestamp = api.FormatSeconds(s.Ended)
	}
	return a
}
