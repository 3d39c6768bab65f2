package metrics_test

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"

	"thaw.dev/thaw/metrics"
)

var update = flag.Bool("update", false, "write the table in docs/metrics.md anew")

const (
	document  = "../docs/metrics.md"
	tableHead = "| Name | Type | Unit | Labels | Meaning |\n|---|---|---|---|---|\n"
)

func TestEveryMetricIsDocumented(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(b), tableHead)
	if !found {
		t.Fatalf("%s has no table", document)
	}
	after := rest
	for strings.HasPrefix(after, "|") {
		_, after, _ = strings.Cut(after, "\n")
	}
	want := table()
	if got := strings.TrimSuffix(rest, after); got == want {
		return
	}
	if !*update {
		t.Fatalf("the table in %s is not what the package writes; run go test ./metrics -update", document)
	}
	if err := os.WriteFile(document, []byte(before+tableHead+want+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// table is what the document must say.
func table() string {
	var b strings.Builder
	for _, f := range metrics.Families() {
		var labels []string
		for _, l := range f.Labels {
			text := "`" + l.Name + "`"
			if l.Values != nil {
				text += ": " + strings.Join(l.Values, ", ")
			}
			labels = append(labels, text)
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s | %s |\n", f.Name, f.Type, unit(f.Name), strings.Join(labels, "; "), f.Help)
	}
	return b.String()
}

func unit(name string) string {
	switch name = strings.TrimSuffix(name, "_total"); {
	case strings.HasSuffix(name, "_seconds"):
		return "seconds"
	case strings.HasSuffix(name, "_bytes"):
		return "bytes"
	}
	return "number"
}
