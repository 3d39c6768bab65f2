package lambda_test

import (
	"testing"

	"thaw.dev/thaw/lambda"
)

func TestForTenant(t *testing.T) {
	t.Parallel()
	plain, tenancy := &lambda.Config{Name: "f"}, &lambda.Config{Name: "f", Tenancy: lambda.PerTenant}
	for _, test := range []struct {
		of     *lambda.Config
		tenant string
		kind   lambda.Kind // KindInternal: no error
	}{
		{plain, "", lambda.KindInternal},
		{plain, "a", lambda.KindInvalid},
		{tenancy, "", lambda.KindInvalid},
		{tenancy, "a.b:c/d=e+f-g@h i_J9", lambda.KindInternal},
	} {
		got, err := test.of.ForTenant(test.tenant)
		if test.kind != lambda.KindInternal {
			if lambda.KindOf(err) != test.kind {
				t.Errorf("tenant %q: %v", test.tenant, err)
			}
			continue
		}
		if err != nil || got.Tenant != test.tenant || test.of.Tenant != "" || (test.tenant == "" && got != test.of) {
			t.Errorf("tenant %q: %+v, %v", test.tenant, got, err)
		}
	}
}
