package mapping

import (
	"encoding/json"
	"reflect"
)

// Settings are the members of a mapping that its owner sets, as the API names them. nil means absent. Source: Lambda API,
// CreateEventSourceMapping.
type Settings struct {
	EventSourceArn                 *string                            `json:",omitempty"`
	SelfManagedEventSource         *SelfManaged                       `json:",omitempty"`
	StartingPosition               *string                            `json:",omitempty"`
	StartingPositionTimestamp      *float64                           `json:",omitempty"` // seconds since 1970
	Topics                         []string                           `json:",omitempty"`
	Queues                         []string                           `json:",omitempty"`
	BatchSize                      *int                               `json:",omitempty"`
	MaximumBatchingWindowInSeconds *int                               `json:",omitempty"`
	FilterCriteria                 *FilterCriteria                    `json:",omitempty"`
	KMSKeyArn                      *string                            `json:",omitempty"`
	MetricsConfig                  *struct{ Metrics []string }        `json:",omitempty"`
	ScalingConfig                  *struct{ MaximumConcurrency *int } `json:",omitempty"`
	FunctionResponseTypes          []string                           `json:",omitempty"`
	DestinationConfig              *DestinationConfig                 `json:",omitempty"`
	ParallelizationFactor          *int                               `json:",omitempty"`
	MaximumRecordAgeInSeconds      *int                               `json:",omitempty"`
	BisectBatchOnFunctionError     *bool                              `json:",omitempty"`
	MaximumRetryAttempts           *int                               `json:",omitempty"`
	TumblingWindowInSeconds        *int                               `json:",omitempty"`
	SourceAccessConfigurations     []SourceAccess                     `json:",omitempty"`
	ProvisionedPollerConfig        *PollerConfig                      `json:",omitempty"`

	// These are kept as they are; who polls such a source reads them.
	AmazonManagedKafkaEventSourceConfig json.RawMessage `json:",omitempty"`
	SelfManagedKafkaEventSourceConfig   json.RawMessage `json:",omitempty"`
	DocumentDBEventSourceConfig         json.RawMessage `json:",omitempty"`
	LoggingConfig                       json.RawMessage `json:",omitempty"`
}

// SelfManaged names a Kafka cluster by its servers, under KAFKA_BOOTSTRAP_SERVERS.
type SelfManaged struct {
	Endpoints map[string][]string
}

// FilterCriteria says which records are brought at all.
type FilterCriteria struct {
	Filters []Filter `json:",omitempty"`
}

// Filter is one pattern, JSON text; a record that matches one of them is brought.
type Filter struct {
	Pattern string `json:",omitempty"`
}

// DestinationConfig says where records go that the function failed on.
type DestinationConfig struct {
	OnFailure *Destination `json:",omitempty"`
	OnSuccess *Destination `json:",omitempty"`
}

// Destination is an ARN, or the name of a Kafka topic.
type Destination struct {
	Destination *string `json:",omitempty"`
}

// SourceAccess is how a source is authenticated to.
type SourceAccess struct {
	Type string
	URI  string
}

// PollerConfig asks for pollers that are always there.
type PollerConfig struct {
	MinimumPollers  *int    `json:",omitempty"`
	MaximumPollers  *int    `json:",omitempty"`
	PollerGroupName *string `json:",omitempty"`
}

// over returns s with the members that change sets, each as a whole.
func (s Settings) over(change Settings) Settings {
	to, from := reflect.ValueOf(&s).Elem(), reflect.ValueOf(change)
	for i := range from.NumField() {
		if v := from.Field(i); !v.IsNil() { // all are pointers or slices
			to.Field(i).Set(v)
		}
	}
	return s
}

// WithDefaults returns s with the values that the service shows where nothing was set. Source: recorded answers.
func (s Settings) WithDefaults() Settings {
	k, _ := s.KindOf()
	base := Settings{BatchSize: new(100), MaximumBatchingWindowInSeconds: new(0)}
	if k == SQS {
		base.BatchSize = new(10)
	}
	if k.stream() {
		base.BisectBatchOnFunctionError, base.MaximumRecordAgeInSeconds, base.MaximumRetryAttempts = new(false), new(-1), new(-1)
		base.ParallelizationFactor, base.TumblingWindowInSeconds = new(1), new(0)
		base.DestinationConfig = &DestinationConfig{OnFailure: &Destination{}}
	}
	return base.over(s)
}
