package traps_test

import (
	"strings"
	"testing"
)

// refusedMapping creates an event source mapping, which nothing could poll: it must be refused by name and leave nothing.
func refusedMapping(t *testing.T, name, settings, says string) {
	t.Helper()
	s := server(t)
	a := s.Do(t, "POST", "/2015-03-31/event-source-mappings", `{"FunctionName":"`+name+`",`+settings+`}`)
	fails(t, a, 400, "InvalidParameterValueException", `{"Type":"User","message":"`)
	if !strings.Contains(a.Body, says) {
		t.Errorf("%s: no %q in %s", settings, says, a.Body)
	}
	if a := s.Do(t, "GET", "/2015-03-31/event-source-mappings?FunctionName="+name, ""); a.Status != 200 || a.Body != `{"EventSourceMappings":[]}` {
		t.Errorf("%d %s", a.Status, a.Body)
	}
}

func TestQueueMapping(t *testing.T) {
	t.Parallel()
	name := python(t, "def handler(e, c):\n    pass\n")
	const queue = `"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q`
	refusedMapping(t, name, queue+`"`, "no poller for SQS is configured")
	refusedMapping(t, name, queue+`","BatchSize":100,"MaximumBatchingWindowInSeconds":5,"ScalingConfig":{"MaximumConcurrency":2},"FunctionResponseTypes":["ReportBatchItemFailures"]`, "no poller for SQS is configured")
	refusedMapping(t, name, queue+`","BatchSize":100`, "Maximum batch window in seconds must be greater than 0")
	refusedMapping(t, name, queue+`.fifo","BatchSize":11,"MaximumBatchingWindowInSeconds":1`, "FIFO")
	const gone = "/2015-03-31/event-source-mappings/00000000-0000-4000-8000-000000000000"
	for _, method := range []string{"GET", "PUT", "DELETE"} {
		fails(t, server(t).Do(t, method, gone, "{}"), 404, "ResourceNotFoundException", `{"Type":"User","Message":"The resource you requested does not exist."}`)
	}
}

func TestStreamMappings(t *testing.T) {
	t.Parallel()
	name := python(t, "def handler(e, c):\n    pass\n")
	const start = `","StartingPosition":"LATEST"`
	for source, says := range map[string]string{
		`"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s` + start + `,"BisectBatchOnFunctionError":true,"TumblingWindowInSeconds":30`:                                                                                           "no poller for",
		`"EventSourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026-01-01T00:00:00.000` + start + `,"ParallelizationFactor":2`:                                                                                                 "no poller for",
		`"EventSourceArn":"arn:aws:kafka:us-east-1:000000000000:cluster/c/00000000-0000-0000-0000-000000000000-1` + start + `,"Topics":["t"]`:                                                                                                     "no poller for",
		`"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["k.example:9092"]}},"Topics":["t"],"StartingPosition":"LATEST"`:                                                                                                        "no poller for",
		`"EventSourceArn":"arn:aws:mq:us-east-1:000000000000:broker:b:b-00000000-0000-0000-0000-000000000000","Queues":["q"],"SourceAccessConfigurations":[{"Type":"BASIC_AUTH","URI":"arn:aws:secretsmanager:us-east-1:000000000000:secret:s"}]`: "no poller for",
		`"EventSourceArn":"arn:aws:events:us-east-1:000000000000:rule/r"`:                                                                                                                                                                         "Unrecognized event source",
	} {
		refusedMapping(t, name, source, says)
	}
}

func TestFilters(t *testing.T) {
	t.Parallel()
	name := python(t, "def handler(e, c):\n    pass\n")
	const queue = `"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q","FilterCriteria":{"Filters":[`
	refusedMapping(t, name, queue+`{"Pattern":"{\"body\":{\"n\":[{\"numeric\":[\">\",1]}]}}"}]}`, "no poller for SQS is configured")
	refusedMapping(t, name, queue+`{"Pattern":"not JSON"}]}`, "Invalid filter pattern definition.")
	refusedMapping(t, name, queue+strings.TrimSuffix(strings.Repeat(`{"Pattern":"{}"},`, 6), ",")+`]}`, "at most 5 filters")
}
