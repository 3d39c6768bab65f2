package gateway

import (
	"net/http"
	"net/url"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/lambda"
)

// stsBody is the largest form that is read.
const stsBody = 64 << 10

// sts answers requests to "/", where the query protocol of STS lives. GetCallerIdentity is the only action; it needs
// no permission.
func (c *call) sts() error {
	if c.r.Method != http.MethodPost && c.r.Method != http.MethodGet {
		return c.unknown()
	}
	c.dialect = dialectQuery
	if err := c.authenticate("sts", stsBody); err != nil {
		return err
	}
	form := c.r.URL.Query()
	if c.r.Method == http.MethodPost {
		var err error
		if form, err = url.ParseQuery(string(c.body)); err != nil {
			return lambda.Errorf(lambda.KindInvalidContent, "The request body is not a form")
		}
	}
	action, version := form.Get("Action"), form.Get("Version")
	if action != "GetCallerIdentity" || version != api.STSVersion {
		return lambda.Errorf(lambda.KindUnknownOperation, "Could not find operation %.64s for version %.64s", action, version)
	}
	body, err := api.EncodeXML(api.CallerIdentity{
		Arn: c.caller.ARN, UserID: c.caller.UserID, Account: c.caller.AccountID, RequestID: c.id,
	})
	if err != nil {
		return err
	}
	c.respond(http.StatusOK, "text/xml", body)
	return nil
}
