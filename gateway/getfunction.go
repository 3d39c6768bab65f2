package gateway

import (
	"net/http"
	"time"

	"thaw.dev/thaw/api"
)

// locationLife is how long the URL of a function's code works. Source: Lambda API, GetFunction.
const locationLife = 10 * time.Minute

func (c *call) getFunction() error {
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	if err != nil {
		return err
	}
	f, err := c.functions.Get(c.account, ref.Name, ref.Qualifier)
	if err != nil {
		return err
	}
	location, err := c.verifier.PresignGet(c.caller, c.origin(), codePath(&f.Config, ref.Qualifier), locationLife)
	if err != nil {
		return err
	}
	answer := api.GetFunctionAnswer{
		Configuration: c.configuration(&f.Config, ref.Qualifier),
		Code:          api.CodeLocation{RepositoryType: "S3", Location: location},
		Tags:          f.Tags,
	}
	if f.Reserved != nil && ref.Qualifier == "" {
		answer.Concurrency = &api.Concurrency{ReservedConcurrentExecutions: f.Reserved}
	}
	return c.json(http.StatusOK, answer)
}

// origin is scheme and authority under which the caller reached us.
func (c *call) origin() string {
	scheme := "http://"
	if c.r.TLS != nil {
		scheme = "https://"
	}
	return scheme + c.r.Host
}
