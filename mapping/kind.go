package mapping

import "strings"

// Kind is a kind of event source.
type Kind string

// Kinds of event source. Their values are names for people.
const (
	SQS        Kind = "SQS"
	Kinesis    Kind = "Kinesis"
	DynamoDB   Kind = "DynamoDB streams"
	MSK        Kind = "Amazon MSK"
	Kafka      Kind = "self-managed Kafka"
	MQ         Kind = "Amazon MQ"
	DocumentDB Kind = "DocumentDB"
)

// services are the kinds by the service in their ARN.
var services = map[string]Kind{
	"sqs": SQS, "kinesis": Kinesis, "dynamodb": DynamoDB, "kafka": MSK, "mq": MQ, "rds": DocumentDB,
}

// KindOf tells the kind of source that the settings name; false if they name none, several or one that is unknown.
func (s *Settings) KindOf() (Kind, bool) {
	if s.EventSourceArn == nil {
		return Kafka, s.SelfManagedEventSource != nil
	}
	part := strings.SplitN(*s.EventSourceArn, ":", 6)
	if s.SelfManagedEventSource != nil || len(part) != 6 || part[0] != "arn" || part[5] == "" {
		return "", false
	}
	k, ok := services[part[2]]
	return k, ok
}

// source identifies what is polled, for comparisons.
func (s *Settings) source() string {
	if s.EventSourceArn != nil {
		return *s.EventSourceArn
	}
	if s.SelfManagedEventSource == nil {
		return ""
	}
	return strings.Join(s.SelfManagedEventSource.Endpoints[bootstrapServers], ",") + "/" + strings.Join(s.Topics, ",")
}

// stream reports whether records are read from shards or partitions by position, and retried in order.
func (k Kind) stream() bool { return k == Kinesis || k == DynamoDB }
func (k Kind) kafka() bool  { return k == MSK || k == Kafka }
