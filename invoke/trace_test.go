package invoke_test

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/telemetry"
)

func TestTracePassesThrough(t *testing.T) {
	t.Parallel()
	fn := &lambda.Config{Name: "f"}
	for header, want := range map[string]string{
		"": `^Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=0$`,
		"Root=1-a;Parent=b;Sampled=1;Lineage=c:1": `^Root=1-a;Parent=b;Sampled=1;Lineage=c:1$`,
		"Lineage=c:1;Sampled=0;Root=1-a":          `^Lineage=c:1;Sampled=0;Root=1-a$`,
		"Root=1-a;Parent=b":                       `^Root=1-a;Parent=b;Sampled=0$`,
		"anything":                                `^anything$`,
	} {
		var s invoke.Sampler
		if got, segment := s.Trace(header, fn, time.Now()); !regexp.MustCompile(want).MatchString(got) || segment != "" {
			t.Errorf("%q became %q with segment %q", header, got, segment)
		}
	}
}

func TestActiveTracing(t *testing.T) {
	t.Parallel()
	fn := &lambda.Config{Name: "f", Tracing: lambda.TracingActive}
	var s invoke.Sampler
	now := time.Unix(1_800_000_000, 0)
	for range 3 { // what is decided stays, whatever comes before
		if got, segment := s.Trace("Root=1-a;Parent=b;Sampled=0;Lineage=c:1", fn, now); got != "Root=1-a;Parent=b;Sampled=0;Lineage=c:1" || segment != "" {
			t.Errorf("got %q %q", got, segment)
		}
		got, segment := s.Trace("Root=1-a;Parent=b;Sampled=1;Lineage=c:1", fn, now)
		if len(segment) != 16 || got != "Root=1-a;Parent="+segment+";Sampled=1;Lineage=c:1" {
			t.Errorf("got %q %q", got, segment)
		}
	}
	const calls = 4000
	sampled := 0
	for i := range calls {
		got, segment := s.Trace("Root=1-a", fn, now)
		h := telemetry.ParseTraceHeader(got)
		if h.Sampled == "1" {
			sampled++
		}
		if !h.Decided() || (h.Sampled == "1") != (segment != "") || !strings.HasPrefix(got, "Root=1-a;") {
			t.Fatalf("got %q %q", got, segment)
		}
		if i == 0 && sampled != 1 {
			t.Error("the first of a second is not sampled")
		}
	}
	if sampled < calls/40 || sampled > calls/10 {
		t.Errorf("%d of %d are sampled, want about one of twenty", sampled, calls)
	}
	if _, segment := s.Trace("Root=1-a", &lambda.Config{Name: "other", Tracing: lambda.TracingActive}, now); segment == "" {
		t.Error("functions share a rate")
	}
	if _, segment := s.Trace("", fn, now.Add(time.Second)); segment == "" {
		t.Error("the first of the next second is not sampled")
	}
}
