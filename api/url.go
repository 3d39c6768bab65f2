package api

import (
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"thaw.dev/thaw/lambda"
)

// FunctionURLRequest is the body of CreateFunctionUrlConfig and UpdateFunctionUrlConfig.
type FunctionURLRequest struct {
	AuthType   *string
	InvokeMode *string
	Cors       *Cors
}

// Cors is the cross-origin configuration of a function URL. Absent members are not set.
type Cors struct {
	AllowCredentials *bool    `json:",omitempty"`
	AllowHeaders     []string `json:",omitempty"`
	AllowMethods     []string `json:",omitempty"`
	AllowOrigins     []string `json:",omitempty"`
	ExposeHeaders    []string `json:",omitempty"`
	MaxAge           *int     `json:",omitempty"` // seconds
}

// FunctionURLConfig is what the API tells about a function URL.
type FunctionURLConfig struct {
	FunctionUrl      string
	FunctionArn      string
	AuthType         string
	Cors             *Cors  `json:",omitempty"`
	CreationTime     string // FormatInstant
	LastModifiedTime string `json:",omitempty"` // FormatInstant
	InvokeMode       string `json:",omitempty"`
}

// ListFunctionURLConfigsAnswer is one page.
type ListFunctionURLConfigsAnswer struct {
	FunctionUrlConfigs []FunctionURLConfig
	NextMarker         string `json:",omitempty"`
}

// Limits of Cors. Source: service model; of the methods, Lambda API, Cors.
const (
	maxCorsItems  = 100
	maxCorsMethod = 6
	maxCorsAge    = 86400
)

var corsText = newPattern(`.*`)

// Check is the constraint layer for CreateFunctionUrlConfig, or with update for UpdateFunctionUrlConfig; name is the path
// label, query the Qualifier, "" if there is none.
func (r *FunctionURLRequest) Check(name, query string, update bool) error {
	var c Constraints
	c.url(name, query)
	c.Required("authType", update || r.AuthType != nil)
	c.Enum("authType", r.AuthType, "NONE", "AWS_IAM")
	c.Enum("invokeMode", r.InvokeMode, "BUFFERED", "RESPONSE_STREAM")
	if cors := r.Cors; cors != nil {
		c.list("cors.allowHeaders", cors.AllowHeaders, maxCorsItems, 1024, corsText)
		c.EnumList("cors.allowMethods", cors.AllowMethods, 0, maxCorsMethod, "GET", "PUT", "HEAD", "POST", "PATCH", "DELETE", "*")
		c.list("cors.allowOrigins", cors.AllowOrigins, maxCorsItems, 253, corsText)
		c.list("cors.exposeHeaders", cors.ExposeHeaders, maxCorsItems, 1024, corsText)
		c.Range("cors.maxAge", cors.MaxAge, 0, maxCorsAge)
	}
	return c.Err()
}

// CheckURL is the constraint layer for the operations on a function URL that have no body.
func CheckURL(name, query string) error {
	var c Constraints
	c.url(name, query)
	return c.Err()
}

// url checks a function's name and the Qualifier, which must be an alias.
func (c *Constraints) url(name, query string) {
	c.writeName(&name)
	if query != "" {
		c.Length("qualifier", &query, 1, 128)
		c.Match("qualifier", &query, aliasName)
	}
}

// list bounds the number of members of a list and their lengths, at least 1; nil is fine.
func (c *Constraints) list(member string, list []string, most, length int, p *Pattern) {
	if len(list) > most {
		c.fail(quote("["+strings.Join(list, ", ")+"]"), member, "Member must have length less than or equal to "+strconv.Itoa(most))
		return
	}
	if slices.ContainsFunc(list, func(s string) bool {
		n := utf8.RuneCountInString(s)
		return n < 1 || n > length || !p.Matches(s)
	}) {
		c.fail(quote("["+strings.Join(list, ", ")+"]"), member, "Member must satisfy constraint: [Member must have length less than or equal to "+
			strconv.Itoa(length)+", Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: "+p.text+"]")
	}
}

// Settings returns the configuration in the terms of package lambda; nil stays nil.
func (c *Cors) Settings() *lambda.Cors {
	if c == nil {
		return nil
	}
	out := &lambda.Cors{AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods, AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders}
	if c.AllowCredentials != nil {
		out.AllowCredentials = *c.AllowCredentials
	}
	if c.MaxAge != nil {
		out.MaxAge = *c.MaxAge
	}
	return out
}

// CorsOf is Settings' inverse.
func CorsOf(c *lambda.Cors) *Cors {
	if c == nil {
		return nil
	}
	out := &Cors{AllowHeaders: c.AllowHeaders, AllowMethods: c.AllowMethods, AllowOrigins: c.AllowOrigins, ExposeHeaders: c.ExposeHeaders}
	if c.AllowCredentials {
		out.AllowCredentials = &c.AllowCredentials
	}
	if c.MaxAge != 0 {
		out.MaxAge = &c.MaxAge
	}
	return out
}

// FormatInstant writes t as function URLs carry it: "2026-01-31T12:34:56.789123Z".
func FormatInstant(t time.Time) string {
	return t.UTC().Format("2006-01-02T15:04:05.000000Z")
}
