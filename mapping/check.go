package mapping

import (
	"encoding/json"
	"slices"
	"strings"

	"thaw.dev/thaw/lambda"
)

const bootstrapServers = "KAFKA_BOOTSTRAP_SERVERS"

const (
	maxBatch      = 10000
	maxFIFOBatch  = 10 // also without a window for SQS, Kinesis and DynamoDB
	maxFilters    = 5
	maxPattern    = 4096
	maxAccess     = 22
	maxBootstraps = 10
)

func invalid(format string, args ...any) error {
	return lambda.Errorf(lambda.KindInvalid, format, args...)
}

// inRange checks a number that the model bounds; nil is fine.
func inRange(member string, n *int, least, most int) error {
	if n == nil || *n >= least && *n <= most {
		return nil
	}
	rule := "less than or equal to"
	bound := most
	if *n < least {
		rule, bound = "greater than or equal to", least
	}
	return lambda.Errorf(lambda.KindValidation, "1 validation error detected: Value '%d' at '%s' failed to satisfy constraint: "+
		"Member must have value %s %d", *n, member, rule, bound)
}

func oneOf(member, value string, set ...string) error {
	if slices.Contains(set, value) {
		return nil
	}
	return lambda.Errorf(lambda.KindValidation, "1 validation error detected: Value '%.256s' at '%s' failed to satisfy constraint: "+
		"Member must satisfy enum value set: [%s]", value, member, strings.Join(set, ", "))
}

// Check is what the settings of a mapping must be, for their kind of source. Source: Lambda API and developer guide,
// "Event source mapping parameters".
func (s *Settings) Check() error {
	k, ok := s.KindOf()
	if !ok {
		return invalid("Unrecognized event source: exactly one of EventSourceArn and SelfManagedEventSource must name a supported source.")
	}
	for _, check := range []func(*Settings, Kind) error{
		checkRanges, checkBatch, checkPosition, checkFilters, checkResponses, checkStreamOnly, checkScaling, checkBroker,
	} {
		if err := check(s, k); err != nil {
			return err
		}
	}
	return nil
}

func checkRanges(s *Settings, _ Kind) error {
	for _, r := range []struct {
		member      string
		n           *int
		least, most int
	}{
		{"batchSize", s.BatchSize, 1, maxBatch},
		{"maximumBatchingWindowInSeconds", s.MaximumBatchingWindowInSeconds, 0, 300},
		{"parallelizationFactor", s.ParallelizationFactor, 1, 10},
		{"maximumRetryAttempts", s.MaximumRetryAttempts, -1, 10000},
		{"maximumRecordAgeInSeconds", s.MaximumRecordAgeInSeconds, -1, 604800},
		{"tumblingWindowInSeconds", s.TumblingWindowInSeconds, 0, 900},
	} {
		if err := inRange(r.member, r.n, r.least, r.most); err != nil {
			return err
		}
	}
	if age := s.MaximumRecordAgeInSeconds; age != nil && *age != -1 && *age < 60 {
		return invalid("MaximumRecordAgeInSeconds must be -1 or between 60 and 604800.")
	}
	return nil
}

func checkBatch(s *Settings, k Kind) error {
	if s.BatchSize == nil || *s.BatchSize <= maxFIFOBatch {
		return nil
	}
	if k == SQS && strings.HasSuffix(*s.EventSourceArn, ".fifo") {
		return invalid("Maximum batch size for FIFO queues is %d.", maxFIFOBatch)
	}
	explicit := k == SQS // the streams' default of 100 needs no window; what is asked for does
	if explicit && (s.MaximumBatchingWindowInSeconds == nil || *s.MaximumBatchingWindowInSeconds < 1) {
		return invalid("Maximum batch window in seconds must be greater than 0 if maximum batch size is greater than %d", maxFIFOBatch)
	}
	return nil
}

func checkPosition(s *Settings, k Kind) error {
	allowed := []string{"TRIM_HORIZON", "LATEST"}
	switch {
	case k == SQS || k == MQ:
		if s.StartingPosition != nil || s.StartingPositionTimestamp != nil {
			return invalid("StartingPosition is not valid for event source %s.", k)
		}
		return nil
	case k != DynamoDB:
		allowed = append(allowed, "AT_TIMESTAMP")
	}
	if s.StartingPosition == nil {
		if k.stream() {
			return invalid("1 validation error detected: Value null at 'startingPosition' failed to satisfy constraint: Member must not be null.")
		}
		return nil
	}
	if err := oneOf("startingPosition", *s.StartingPosition, allowed...); err != nil {
		return err
	}
	if at := *s.StartingPosition == "AT_TIMESTAMP"; at != (s.StartingPositionTimestamp != nil) {
		return invalid("StartingPositionTimestamp must be given with the starting position AT_TIMESTAMP, and only then.")
	}
	return nil
}

func checkFilters(s *Settings, k Kind) error {
	if s.FilterCriteria == nil || len(s.FilterCriteria.Filters) == 0 {
		return nil
	}
	if k == DocumentDB {
		return invalid("FilterCriteria is not supported for event source %s.", k)
	}
	if n := len(s.FilterCriteria.Filters); n > maxFilters {
		return invalid("An event source mapping can have at most %d filters, not %d.", maxFilters, n)
	}
	for _, f := range s.FilterCriteria.Filters {
		var object map[string]any
		if len(f.Pattern) > maxPattern || json.Unmarshal([]byte(f.Pattern), &object) != nil {
			return invalid("Invalid filter pattern definition. A pattern is a JSON object of at most %d characters.", maxPattern)
		}
	}
	return nil
}

func checkResponses(s *Settings, k Kind) error {
	for _, t := range s.FunctionResponseTypes {
		if err := oneOf("functionResponseTypes", t, "ReportBatchItemFailures"); err != nil {
			return err
		}
	}
	if len(s.FunctionResponseTypes) > 0 && (k == MQ || k == DocumentDB) {
		return invalid("FunctionResponseTypes is not supported for event source %s.", k)
	}
	return nil
}

// checkStreamOnly refuses for other sources what only streams, and some of it Kafka, can do.
func checkStreamOnly(s *Settings, k Kind) error {
	for _, m := range []struct {
		member string
		given  bool
		kafka  bool
	}{
		{"BisectBatchOnFunctionError", s.BisectBatchOnFunctionError != nil, true},
		{"MaximumRetryAttempts", s.MaximumRetryAttempts != nil, true},
		{"MaximumRecordAgeInSeconds", s.MaximumRecordAgeInSeconds != nil, true},
		{"DestinationConfig", s.DestinationConfig != nil && s.DestinationConfig.OnFailure != nil && s.DestinationConfig.OnFailure.Destination != nil, true},
		{"ParallelizationFactor", s.ParallelizationFactor != nil, false},
		{"TumblingWindowInSeconds", s.TumblingWindowInSeconds != nil && *s.TumblingWindowInSeconds > 0, false},
	} {
		if m.given && !k.stream() && !(m.kafka && k.kafka()) {
			return invalid("Unsupported parameter %s for event source %s.", m.member, k)
		}
	}
	if d := s.DestinationConfig; d != nil && d.OnSuccess != nil && d.OnSuccess.Destination != nil {
		return invalid("DestinationConfig.OnSuccess is not supported for event source mappings.")
	}
	return nil
}

func checkScaling(s *Settings, k Kind) error {
	if s.ScalingConfig != nil && s.ScalingConfig.MaximumConcurrency != nil {
		if k != SQS {
			return invalid("ScalingConfig is not supported for event source %s.", k)
		}
		if s.ProvisionedPollerConfig != nil {
			return invalid("ScalingConfig.MaximumConcurrency and ProvisionedPollerConfig exclude each other.")
		}
		if err := inRange("scalingConfig.maximumConcurrency", s.ScalingConfig.MaximumConcurrency, 2, 1000); err != nil {
			return err
		}
	}
	p := s.ProvisionedPollerConfig
	if p == nil {
		return nil
	}
	least, most := 1, 2000
	switch {
	case k == SQS:
		least, most = 2, 10000
	case !k.kafka():
		return invalid("ProvisionedPollerConfig is not supported for event source %s.", k)
	}
	if err := inRange("provisionedPollerConfig.minimumPollers", p.MinimumPollers, least, 200); err != nil {
		return err
	}
	if err := inRange("provisionedPollerConfig.maximumPollers", p.MaximumPollers, least, most); err != nil {
		return err
	}
	if p.MinimumPollers != nil && p.MaximumPollers != nil && *p.MinimumPollers > *p.MaximumPollers {
		return invalid("MinimumPollers must not be greater than MaximumPollers.")
	}
	return nil
}

// accessTypes are the ways to authenticate to a source. Source: Lambda API, SourceAccessConfiguration.
var accessTypes = []string{
	"BASIC_AUTH", "VPC_SUBNET", "VPC_SECURITY_GROUP", "SASL_SCRAM_512_AUTH", "SASL_SCRAM_256_AUTH", "VIRTUAL_HOST",
	"CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "OAUTHBEARER_AUTH", "OAUTHBEARER_SCOPE", "OAUTHBEARER_AUDIENCE",
	"OAUTHBEARER_LOGICAL_CLUSTER", "OAUTHBEARER_IDENTITY_POOL", "IAM_AUTH", "IAM_OAUTHBEARER_AUTH",
}

func checkBroker(s *Settings, k Kind) error {
	switch {
	case k.kafka() && len(s.Topics) != 1:
		return invalid("Exactly one topic must be given for event source %s.", k)
	case !k.kafka() && len(s.Topics) > 0:
		return invalid("Topics is not supported for event source %s.", k)
	case k == MQ && len(s.Queues) != 1:
		return invalid("Exactly one queue must be given for event source %s.", k)
	case k != MQ && len(s.Queues) > 0:
		return invalid("Queues is not supported for event source %s.", k)
	case len(s.SourceAccessConfigurations) > maxAccess:
		return invalid("At most %d SourceAccessConfigurations can be given.", maxAccess)
	case (k == SQS || k.stream()) && len(s.SourceAccessConfigurations) > 0:
		return invalid("SourceAccessConfigurations is not supported for event source %s.", k)
	}
	for _, a := range s.SourceAccessConfigurations {
		if err := oneOf("sourceAccessConfigurations.type", a.Type, accessTypes...); err != nil {
			return err
		}
	}
	if k != Kafka {
		return nil
	}
	servers := s.SelfManagedEventSource.Endpoints[bootstrapServers]
	if len(servers) == 0 || len(servers) > maxBootstraps || len(s.SelfManagedEventSource.Endpoints) != 1 {
		return invalid("SelfManagedEventSource.Endpoints must have %s with 1 to %d servers.", bootstrapServers, maxBootstraps)
	}
	return nil
}
