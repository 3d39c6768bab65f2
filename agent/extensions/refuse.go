package extensions

import (
	"encoding/json"

	"thaw.dev/thaw/agent/http1"
)

var jsonFields = []http1.Field{{Name: "Content-Type", Value: "application/json"}}

// refuse is a refusal. Source of the types: AWS Lambda Extensions API and the Runtime Interface Emulator.
func refuse(status int, errorType, message string) http1.Answer {
	body, _ := json.Marshal(struct { // strings always encode
		Message string `json:"errorMessage"`
		Type    string `json:"errorType"`
	}{message, errorType})
	return http1.Answer{Status: status, Fields: jsonFields, Body: body}
}

// gone answers a call that the platform cannot serve any more.
func gone() *http1.Answer {
	a := refuse(500, "InternalServerError", "the platform is gone; exit")
	return &a
}

func accepted() http1.Answer {
	return http1.Answer{Status: 202, Fields: jsonFields, Body: []byte(`{"status":"OK"}`)}
}
