package gateway

import (
	"net"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

var urlHandlers = map[string]handler{
	"CreateFunctionUrlConfig": {(*call).createFunctionURLConfig, smallBody},
	"GetFunctionUrlConfig":    {(*call).getFunctionURLConfig, smallBody},
	"UpdateFunctionUrlConfig": {(*call).updateFunctionURLConfig, smallBody},
	"DeleteFunctionUrlConfig": {(*call).deleteFunctionURLConfig, smallBody},
	"ListFunctionUrlConfigs":  {(*call).listFunctionURLConfigs, smallBody},
}

// urlConfig is how the API shows a URL of a function, or of an alias of it.
func (c *call) urlConfig(name, qualifier string, u *lambda.FunctionURL) api.FunctionURLConfig {
	out := api.FunctionURLConfig{
		FunctionUrl:      c.functionURLOf(u.ID),
		FunctionArn:      lambda.FunctionARN(c.region, c.account, name, qualifier),
		AuthType:         u.AuthType,
		Cors:             api.CorsOf(u.Cors),
		CreationTime:     api.FormatInstant(u.Created),
		LastModifiedTime: api.FormatInstant(u.Modified),
		InvokeMode:       u.InvokeMode,
	}
	if out.InvokeMode == "" {
		out.InvokeMode = "BUFFERED"
	}
	return out
}

// functionURLOf is where a function URL can be reached by who reached us: on the same port.
func (c *call) functionURLOf(id string) string {
	scheme, port := "http://", ""
	if c.r.TLS != nil {
		scheme = "https://"
	}
	if _, p, err := net.SplitHostPort(c.r.Host); err == nil {
		port = ":" + p
	}
	return scheme + id + c.urls.suffix(c.region) + port + "/"
}

// urlFunction returns the function and the alias that the path and the query name; the alias is "" for the function itself.
func (c *call) urlFunction() (name, alias string, err error) {
	if err := api.CheckURL(c.label(0), c.query("Qualifier")); err != nil {
		return "", "", err
	}
	ref, err := c.function(c.label(0), c.query("Qualifier"))
	return ref.Name, ref.Qualifier, err
}

// urlInput decodes and checks the body.
func (c *call) urlInput(update bool) (control.URLInput, error) {
	var in api.FunctionURLRequest
	if err := api.Decode(c.body, &in); err != nil {
		return control.URLInput{}, err
	}
	if err := in.Check(c.label(0), c.query("Qualifier"), update); err != nil {
		return control.URLInput{}, err
	}
	name, alias, err := c.urlFunction()
	return control.URLInput{
		Account: c.account, Name: name, Qualifier: alias, AuthType: in.AuthType, InvokeMode: in.InvokeMode, Cors: in.Cors.Settings(),
	}, err
}
