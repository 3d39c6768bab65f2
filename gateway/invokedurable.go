package gateway

import (
	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// invokeDurable begins an execution of a durable function, or finds the one of that name, and answers with its result.
func (c *call) invokeDurable(req *invoke.Request, fn *lambda.Config, name string) error {
	result, ref, err := c.executions.Await(c.r.Context(), fn, req, name)
	if err != nil {
		return err
	}
	c.w.Header()["X-Amz-Durable-Execution-Arn"] = []string{ref.ARN()}
	c.answer(req, result)
	return nil
}
