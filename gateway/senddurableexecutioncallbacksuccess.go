package gateway

import (
	"net/http"
	"unicode/utf8"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

func (c *call) sendDurableExecutionCallbackSuccess() error {
	id := c.label(0)
	if err := api.CheckCallback(id); err != nil {
		return err
	}
	if !utf8.Valid(c.body) {
		return lambda.Errorf(lambda.KindInvalid, "The result of a callback must be UTF-8.")
	}
	if err := c.executions.SucceedCallback(c.r.Context(), c.account, id, c.body); err != nil {
		return err
	}
	return c.json(http.StatusOK, struct{}{})
}
