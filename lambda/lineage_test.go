package lambda_test

import (
	"strings"
	"testing"

	"thaw.dev/thaw/lambda"
)

const lineageAccount = "000000000000"

func TestLineageCountsPasses(t *testing.T) {
	t.Parallel()
	trace := "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
	for i := range 20 {
		next, passes := lambda.Lineage(trace, lineageAccount, "a")
		if passes != i {
			t.Fatalf("pass %d counts %d before", i, passes)
		}
		if next, passes = lambda.Lineage(next, lineageAccount, "b"); passes != i {
			t.Fatalf("pass %d counts %d before through the other function", i, passes)
		}
		if !strings.HasPrefix(next, "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1;Lineage=") {
			t.Fatalf("header %q", next)
		}
		if trace = next; i%2 == 1 {
			trace = strings.ReplaceAll(next, "|", "%7C") // as SDKs pass it on
		}
	}
	if _, passes := lambda.Lineage(trace, lineageAccount, "c"); passes != 0 {
		t.Errorf("a function that the chain never came through has %d passes", passes)
	}
	if _, passes := lambda.Lineage(trace, "111111111111", "a"); passes != 0 {
		t.Errorf("another account's function of the name has %d passes", passes)
	}
}

// Headers come from anybody: what makes no sense is left out, and nothing grows without bound.
func FuzzLineage(f *testing.F) {
	f.Add("Root=1;Lineage=a87bd80c:1|68fd508a:5|c512fbe3:2")
	f.Add("Lineage=25:a87bd80c:1")
	f.Add("Lineage=%;;Lineage=a87bd80c:999999999999999999999")
	f.Fuzz(func(t *testing.T, trace string) {
		next, passes := lambda.Lineage(trace, lineageAccount, "f")
		if passes < 0 || len(next) > len(trace)+600 {
			t.Fatalf("%d passes, %d bytes of %d", passes, len(next), len(trace))
		}
		again, passes2 := lambda.Lineage(next, lineageAccount, "f")
		if passes2 != passes+1 {
			t.Errorf("%q has %d passes, then %q has %d", trace, passes, again, passes2)
		}
	})
}
