package slots_test

import (
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/pool"
)

// Provisioned concurrency of an alias is environments of the version that it points at.
func TestProvisionedConcurrencyFollowsItsAlias(t *testing.T) {
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, thawtest.Function{Runtime: thawtest.Python(t), Handler: "app.handler", Files: thawtest.Files{"app.py": `
import os
def handler(e, c):
    return [c.function_version, c.invoked_function_arn.split(":")[-1], os.environ["AWS_LAMBDA_INITIALIZATION_TYPE"]]
`}})
	publish(t, s, name, false)
	if _, err := s.UpdateFunctionConfiguration(t.Context(), name, client.UpdateFunctionConfigurationInput{Timeout: new(9)}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.WaitActive(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	publish(t, s, name, false)
	if _, err := s.CreateAlias(t.Context(), name, client.AliasInput{Name: "live", FunctionVersion: "1"}); err != nil {
		t.Fatal(err)
	}
	if _, err := s.PutProvisionedConcurrency(t.Context(), name, "live", 1); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1", "2"} {
		if _, err := s.UpdateAlias(t.Context(), name, client.AliasInput{Name: "live", FunctionVersion: version}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(s.Allow(patience)); ; time.Sleep(20 * time.Millisecond) {
			p, err := s.GetProvisionedConcurrency(t.Context(), name, "live")
			if err != nil {
				t.Fatal(err)
			}
			if p.Status == "READY" && p.AllocatedProvisionedConcurrentExecutions == 1 {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%+v", p)
			}
		}
		await(t, s, "only the alias's version has an environment", func(st pool.Status) bool {
			es := environments(st, name)
			return len(es) == 1 && es[0].Version == version
		})
		var got [3]string
		s.Result(t, name+":live", `{}`, &got)
		if got != [3]string{version, "live", "provisioned-concurrency"} {
			t.Errorf("version %s: got %q", version, got)
		}
	}
}
