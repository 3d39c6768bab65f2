package agent

import (
	"encoding/json"
	"strings"

	"thaw.dev/thaw/agent/extensions"
	"thaw.dev/thaw/agent/http1"
	"thaw.dev/thaw/agent/runtimeapi"
	"thaw.dev/thaw/agent/telemetryapi"
	"thaw.dev/thaw/link"
)

// route answers what is asked at the Runtime API's address and is none of it.
func (r *run) route(req *http1.Request) http1.Answer {
	switch {
	case strings.HasPrefix(req.Path, extensions.Prefix):
		return r.extensions.Serve(req)
	case req.Path == metadataPath:
		return r.metadata(req)
	case req.Path == telemetryapi.TelemetryPath, req.Path == telemetryapi.LogsPath:
		e, refusal := r.extensions.Caller(req)
		if e == nil {
			return refusal
		}
		return r.telemetry.Serve(req, e.Name())
	}
	return runtimeapi.NotFound(req)
}

// metadataPath is the environment's description of itself. Source: AWS Lambda developer guide, "Metadata endpoint".
const metadataPath = "/2026-01-15/metadata/execution-environment"

// metadata is GET /2026-01-15/metadata/execution-environment.
func (r *run) metadata(req *http1.Request) http1.Answer {
	if req.Method != "GET" {
		return refuseMetadata(405, "MethodNotAllowed", http1.Field{Name: "Allow", Value: "GET"})
	}
	scheme, token, _ := strings.Cut(req.Header.Get("Authorization"), " ")
	if token = strings.TrimSpace(token); !strings.EqualFold(scheme, "Bearer") || token == "" || len(token) > maxToken {
		return unauthorized()
	}
	answer, err := r.questions.ask(link.AskMeta{Token: &token})
	switch {
	case err != nil:
		return refuseMetadata(500, "InternalServerError")
	case answer.Refusal != "":
		return unauthorized()
	}
	keep := "private, max-age=43200, immutable"
	if answer.Passing { // AWS's value is not documented
		keep = "private, max-age=60"
	}
	body, _ := json.Marshal(struct { // a string always encodes
		Zone string `json:"AvailabilityZoneID"`
	}{answer.Zone})
	return http1.Answer{
		Status: 200,
		Fields: []http1.Field{
			{Name: "Content-Type", Value: "application/json"},
			{Name: "Cache-Control", Value: keep},
		},
		Body: body,
	}
}

// maxToken bounds what the host is asked about, in bytes.
const maxToken = 1024

func unauthorized() http1.Answer {
	return refuseMetadata(401, "Unauthorized", http1.Field{Name: "WWW-Authenticate", Value: "Bearer"})
}

func refuseMetadata(status int, errorType string, more ...http1.Field) http1.Answer {
	body, _ := json.Marshal(map[string]string{"errorType": errorType}) // strings always encode
	return http1.Answer{
		Status: status, Fields: append([]http1.Field{{Name: "Content-Type", Value: "application/json"}}, more...), Body: body,
	}
}
