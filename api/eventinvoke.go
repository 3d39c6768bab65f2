package api

import (
	"time"

	"thaw.dev/thaw/lambda"
)

// EventInvokeRequest is the body of PutFunctionEventInvokeConfig and UpdateFunctionEventInvokeConfig.
type EventInvokeRequest struct {
	MaximumRetryAttempts     *int
	MaximumEventAgeInSeconds *int
	DestinationConfig        *DestinationConfig
}

// DestinationConfig says where the records of asynchronous invocations go. In answers both members are there.
type DestinationConfig struct {
	OnSuccess *Destination `json:",omitempty"`
	OnFailure *Destination `json:",omitempty"`
}

// Destination is one of them; without a value there is none.
type Destination struct {
	Destination *string `json:",omitempty"`
}

// EventInvokeConfig is what is set for the asynchronous invocations of one qualifier.
type EventInvokeConfig struct {
	LastModified             float64 // seconds since 1970
	FunctionArn              string  // always qualified
	MaximumRetryAttempts     *int    `json:",omitempty"`
	MaximumEventAgeInSeconds *int    `json:",omitempty"`
	DestinationConfig        DestinationConfig
}

// ListEventInvokeConfigs is the body of ListFunctionEventInvokeConfigs.
type ListEventInvokeConfigs struct {
	FunctionEventInvokeConfigs []EventInvokeConfig
	NextMarker                 string `json:",omitempty"`
}

// RecursionConfig is the body of PutFunctionRecursionConfig and of the answers about it.
type RecursionConfig struct {
	RecursiveLoop *string
}

// InvokeAsyncAnswer is the body of InvokeAsync's answer.
type InvokeAsyncAnswer struct {
	Status int
}

// maxDestination bounds a destination's ARN. Source: service model, DestinationArn.
const maxDestination = 350

// Check is the constraint layer; name is the path label and query the Qualifier.
func (r *EventInvokeRequest) Check(name, query string) error {
	var c Constraints
	c.eventInvoke(name, query)
	c.Range("maximumRetryAttempts", r.MaximumRetryAttempts, 0, lambda.MaxEventRetries)
	c.Range("maximumEventAgeInSeconds", r.MaximumEventAgeInSeconds, int(lambda.MinEventAge/time.Second), int(lambda.MaxEventAge/time.Second))
	if d := r.DestinationConfig; d != nil {
		if d.OnSuccess != nil {
			c.Length("destinationConfig.onSuccess.destination", d.OnSuccess.Destination, 0, maxDestination)
		}
		if d.OnFailure != nil {
			c.Length("destinationConfig.onFailure.destination", d.OnFailure.Destination, 0, maxDestination)
		}
	}
	return c.Err()
}

// CheckEventInvoke is the constraint layer for operations that have no more than a name and an optional Qualifier, "" if it
// is absent.
func CheckEventInvoke(name, query string) error {
	var c Constraints
	c.eventInvoke(name, query)
	return c.Err()
}

func (c *Constraints) eventInvoke(name, query string) {
	c.writeName(&name)
	if query != "" {
		c.Length("qualifier", &query, 1, 128)
		c.Match("qualifier", &query, qualifier)
	}
}

// Check is the constraint layer for PutFunctionRecursionConfig; name is the path label.
func (r *RecursionConfig) Check(name string) error {
	var c Constraints
	c.writeName(&name)
	c.Required("recursiveLoop", r.RecursiveLoop != nil)
	c.Enum("recursiveLoop", r.RecursiveLoop, "Allow", "Terminate")
	return c.Err()
}

// EpochSeconds is a time as event invoke configurations carry it.
func EpochSeconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
