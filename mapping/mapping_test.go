package mapping_test

import (
	"encoding/json"
	"strings"
	"testing"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/mapping"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const account = "000000000000"

func settings(t *testing.T, text string) mapping.Settings {
	t.Helper()
	var s mapping.Settings
	if err := json.Unmarshal([]byte("{"+text+"}"), &s); err != nil {
		t.Fatal(err)
	}
	return s
}

const (
	queue    = `"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q"`
	stream   = `"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s","StartingPosition":"LATEST"`
	table    = `"EventSourceArn":"arn:aws:dynamodb:us-east-1:000000000000:table/t/stream/2026","StartingPosition":`
	msk      = `"EventSourceArn":"arn:aws:kafka:us-east-1:000000000000:cluster/c/1","Topics":["t"]`
	broker   = `"EventSourceArn":"arn:aws:mq:us-east-1:000000000000:broker:b:1","Queues":["q"]`
	document = `"EventSourceArn":"arn:aws:rds:us-east-1:000000000000:cluster:c"`
	own      = `"SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["h:9092"]}},"Topics":["t"]`
)

func TestCheck(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ settings, refused string }{ // "" is fine
		{queue, ""},
		{queue + `,"BatchSize":10000,"MaximumBatchingWindowInSeconds":1,"ScalingConfig":{"MaximumConcurrency":2},"FunctionResponseTypes":["ReportBatchItemFailures"]`, ""},
		{stream + `,"BatchSize":10000,"BisectBatchOnFunctionError":true,"MaximumRetryAttempts":-1,"MaximumRecordAgeInSeconds":60,"ParallelizationFactor":10,"TumblingWindowInSeconds":900,"DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sqs:us-east-1:000000000000:q"}}`, ""},
		{table + `"TRIM_HORIZON","FilterCriteria":{"Filters":[{"Pattern":"{\"a\":[1]}"}]}`, ""},
		{msk + `,"ProvisionedPollerConfig":{"MinimumPollers":1,"MaximumPollers":2000},"MaximumRetryAttempts":3`, ""},
		{own + `,"StartingPosition":"AT_TIMESTAMP","StartingPositionTimestamp":1.5,"SourceAccessConfigurations":[{"Type":"BASIC_AUTH","URI":"arn:x"}]`, ""},
		{broker, ""},
		{document, ""},

		{`"BatchSize":1`, "Unrecognized event source"},
		{`"EventSourceArn":"arn:aws:s3:::bucket"`, "Unrecognized event source"},
		{queue + "," + own, "Unrecognized event source"},
		{queue + `,"BatchSize":10001`, "less than or equal to 10000"},
		{queue + `,"BatchSize":0`, "greater than or equal to 1"},
		{queue + `,"BatchSize":11`, "batch window"},
		{`"EventSourceArn":"arn:aws:sqs:us-east-1:000000000000:q.fifo","BatchSize":11,"MaximumBatchingWindowInSeconds":1`, "FIFO"},
		{queue + `,"MaximumBatchingWindowInSeconds":301`, "less than or equal to 300"},
		{queue + `,"StartingPosition":"LATEST"`, "StartingPosition is not valid"},
		{queue + `,"ParallelizationFactor":1`, "Unsupported parameter ParallelizationFactor for event source SQS"},
		{queue + `,"MaximumRetryAttempts":1`, "Unsupported parameter MaximumRetryAttempts"},
		{queue + `,"ScalingConfig":{"MaximumConcurrency":1}`, "greater than or equal to 2"},
		{queue + `,"ScalingConfig":{"MaximumConcurrency":2},"ProvisionedPollerConfig":{}`, "exclude each other"},
		{queue + `,"ProvisionedPollerConfig":{"MinimumPollers":1}`, "greater than or equal to 2"},
		{queue + `,"Topics":["t"]`, "Topics is not supported"},
		{queue + `,"FunctionResponseTypes":["x"]`, "enum value set: [ReportBatchItemFailures]"},
		{queue + `,"FilterCriteria":{"Filters":[{"Pattern":"x"}]}`, "Invalid filter pattern"},
		{queue + `,"FilterCriteria":{"Filters":[{},{},{},{},{},{}]}`, "at most 5 filters"},
		{`"EventSourceArn":"arn:aws:kinesis:us-east-1:000000000000:stream/s"`, "startingPosition"},
		{table + `"AT_TIMESTAMP","StartingPositionTimestamp":1`, "enum value set: [TRIM_HORIZON, LATEST]"},
		{stream + `,"StartingPositionTimestamp":1`, "only then"},
		{stream + `,"MaximumRecordAgeInSeconds":59`, "between 60"},
		{stream + `,"ScalingConfig":{"MaximumConcurrency":2}`, "ScalingConfig is not supported"},
		{`"EventSourceArn":"arn:aws:kafka:us-east-1:000000000000:cluster/c/1"`, "Exactly one topic"},
		{msk + `,"ProvisionedPollerConfig":{"MinimumPollers":3,"MaximumPollers":2}`, "must not be greater"},
		{`"SelfManagedEventSource":{"Endpoints":{}},"Topics":["t"]`, "1 to 10 servers"},
		{own + `,"SourceAccessConfigurations":[{"Type":"x"}]`, "enum value set"},
		{`"EventSourceArn":"arn:aws:mq:us-east-1:000000000000:broker:b:1"`, "Exactly one queue"},
		{broker + `,"FunctionResponseTypes":["ReportBatchItemFailures"]`, "not supported for event source Amazon MQ"},
		{document + `,"FilterCriteria":{"Filters":[{"Pattern":"{}"}]}`, "not supported for event source DocumentDB"},
	} {
		s := settings(t, test.settings)
		err := s.Check()
		if test.refused == "" && err != nil || test.refused != "" && (err == nil || !strings.Contains(err.Error(), test.refused)) {
			t.Errorf("{%s}: %v", test.settings, err)
		}
		if kind := lambda.KindOf(err); err != nil && kind != lambda.KindInvalid && kind != lambda.KindValidation {
			t.Errorf("{%s}: kind %d", test.settings, kind)
		}
	}
}

// poller serves queues.
type poller struct{}

func (poller) Polls(k mapping.Kind) bool { return k == mapping.SQS }

func TestWithoutAPollerNothingIsCreated(t *testing.T) {
	t.Parallel()
	m := open(t, nil)
	_, err := m.Create(t.Context(), account, mapping.Mapping{Function: "f", Settings: settings(t, queue)})
	if lambda.KindOf(err) != lambda.KindInvalid || !strings.Contains(err.Error(), "no poller for SQS is configured on this server") {
		t.Errorf("got %v", err)
	}
	if list := m.List(account, "", ""); len(list) != 0 {
		t.Errorf("listed %v", list)
	}
	if _, err := m.Get(account, "none"); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("get: %v", err)
	}
	if _, err := m.Update(t.Context(), account, "none", mapping.Change{}); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("update: %v", err)
	}
	if _, err := m.Delete(t.Context(), account, "none"); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("delete: %v", err)
	}
}

func open(t *testing.T, p mapping.Poller) *mapping.Mappings {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return mapping.New(mapping.NewStore(s.Records()), p)
}

func TestLife(t *testing.T) {
	t.Parallel()
	m, ctx := open(t, poller{}), t.Context()
	made, err := m.Create(ctx, account, mapping.Mapping{Function: "f", Settings: settings(t, queue+`,"BatchSize":5`)})
	if err != nil || made.State != "Creating" {
		t.Fatalf("%+v, %v", made, err)
	}
	if _, err := m.Create(ctx, account, mapping.Mapping{Function: "f", Settings: settings(t, queue)}); lambda.KindOf(err) != lambda.KindConflict || !strings.Contains(err.Error(), made.ID) {
		t.Errorf("again: %v", err)
	}
	if _, err := m.Create(ctx, account, mapping.Mapping{Function: "f", Settings: settings(t, stream)}); lambda.KindOf(err) != lambda.KindInvalid {
		t.Errorf("a source that nobody polls: %v", err)
	}
	off, err := m.Create(ctx, account, mapping.Mapping{Function: "g", Settings: settings(t, queue), Disabled: true})
	if err != nil || off.State != "Disabled" {
		t.Errorf("%+v, %v", off, err)
	}
	if list := m.List(account, "", "f"); len(list) != 1 || list[0].ID != made.ID || list[0].State != "Enabled" {
		t.Errorf("of f: %+v", list)
	}
	if n := len(m.List(account, "arn:aws:sqs:us-east-1:000000000000:q", "")); n != 2 {
		t.Errorf("%d of the queue", n)
	}
	if n := len(m.List("111111111111", "", "")); n != 0 {
		t.Errorf("another account sees %d", n)
	}
	up, err := m.Update(ctx, account, made.ID, mapping.Change{Disabled: new(true), Settings: settings(t, `"MaximumBatchingWindowInSeconds":2`)})
	if err != nil || up.State != "Disabling" || *up.Settings.BatchSize != 5 || *up.Settings.MaximumBatchingWindowInSeconds != 2 {
		t.Errorf("%+v, %v", up, err)
	}
	if _, err := m.Update(ctx, account, made.ID, mapping.Change{Settings: settings(t, `"EventSourceArn":"arn:x"`)}); lambda.KindOf(err) != lambda.KindInvalid {
		t.Errorf("another source: %v", err)
	}
	gone, err := m.Delete(ctx, account, made.ID)
	if err != nil || gone.State != "Deleting" {
		t.Errorf("%+v, %v", gone, err)
	}
	if _, err := m.Get(account, made.ID); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("deleted: %v", err)
	}
}
