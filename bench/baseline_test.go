package bench

import (
	"net/http"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/runtimes"
)

// TestBaselines runs both baselines of every family: they answer what the function answers, and end.
func TestBaselines(t *testing.T) {
	t.Parallel()
	for family, program := range map[lambda.Family]string{
		lambda.FamilyPython: "python3", lambda.FamilyNode: "node", lambda.FamilyProvided: "go",
	} {
		t.Run(string(family), func(t *testing.T) {
			t.Parallel()
			path := testenv.NeedsCommand(t, program)
			f, err := newFunction(t.Context(), t.TempDir(), runtimes.Runtime{Family: family, Source: path})
			if err != nil {
				t.Fatal(err)
			}
			p, err := openPlainServer(t.Context(), f.child)
			if err != nil {
				t.Fatal(err)
			}
			transport := &http.Transport{}
			for range 3 {
				if err := p.call(t.Context(), &http.Client{Transport: transport}); err != nil {
					t.Error(err)
				}
			}
			transport.CloseIdleConnections()
			if err := p.close(); err != nil {
				t.Errorf("close: %v", err)
			}
			took, err := firstOutput(t.Context(), f.bare)
			if err != nil || took <= 0 {
				t.Errorf("bare interpreter: %v, %v", took, err)
			}
		})
	}
}

func TestFirstOutputNeedsOutput(t *testing.T) {
	t.Parallel()
	if _, err := firstOutput(t.Context(), []string{testenv.NeedsCommand(t, "true")}); err == nil {
		t.Error("a program without output was measured")
	}
}
