package control_test

import (
	"regexp"
	"testing"
	"testing/synctest"
	"time"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

func TestURLLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.versioned(t, "f", 1)
		p.createAlias(t, alias("live", "1", nil))
		in := control.URLInput{Account: account, Name: "f", AuthType: ptr("NONE")}
		made, err := p.CreateURL(t.Context(), in)
		if err != nil || !regexp.MustCompile(`^[a-z0-9]{32}$`).MatchString(made.ID) || made.AuthType != "NONE" || made.InvokeMode != "" || !made.Created.Equal(made.Modified) {
			t.Fatalf("made %+v, %v", made, err)
		}
		if _, err := p.CreateURL(t.Context(), in); lambda.KindOf(err) != lambda.KindConflict {
			t.Errorf("a second one: %v", err)
		}
		in.Qualifier = "live"
		second, err := p.CreateURL(t.Context(), in)
		if err != nil || second.ID == made.ID {
			t.Errorf("an alias's: %+v, %v", second, err)
		}
		if got, ok := p.FindURL(second.ID); !ok || got.Account != account || got.Name != "f" || got.Qualifier != "live" || got.ID != second.ID {
			t.Errorf("found %+v, %v", got, ok)
		}
		time.Sleep(time.Second)
		changed, err := p.UpdateURL(t.Context(), control.URLInput{Account: account, Name: "f", AuthType: ptr("AWS_IAM"), Cors: &lambda.Cors{AllowOrigins: []string{"*"}}})
		if err != nil || changed.ID != made.ID || changed.AuthType != "AWS_IAM" || changed.Cors == nil || !changed.Modified.After(changed.Created) {
			t.Errorf("changed %+v, %v", changed, err)
		}
		cleared, err := p.UpdateURL(t.Context(), control.URLInput{Account: account, Name: "f", Cors: &lambda.Cors{}})
		if err != nil || cleared.Cors != nil || cleared.AuthType != "AWS_IAM" {
			t.Errorf("cleared %+v, %v", cleared, err)
		}
		page, more, err := p.URLs(account, "f", "", true, 1)
		if err != nil || !more || len(page) != 1 || page[0].Qualifier != "" {
			t.Errorf("page %+v, %v, %v", page, more, err)
		}
		if page, more, err = p.URLs(account, "f", "", false, 1); err != nil || more || len(page) != 1 || page[0].Qualifier != "live" {
			t.Errorf("next page %+v, %v, %v", page, more, err)
		}
		if err := p.DeleteURL(t.Context(), account, "f", ""); err != nil {
			t.Error(err)
		}
		if got, ok := p.FindURL(made.ID); ok {
			t.Errorf("found %+v after its deletion", got)
		}
		for what, err := range map[string]error{
			"deleted twice": p.DeleteURL(t.Context(), account, "f", ""),
			"no function":   p.DeleteURL(t.Context(), account, "g", ""),
			"no alias":      p.DeleteURL(t.Context(), account, "f", "dead"),
		} {
			if lambda.KindOf(err) != lambda.KindNotFound {
				t.Errorf("%s: %v", what, err)
			}
		}
		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		if got, ok := p.FindURL(second.ID); ok {
			t.Errorf("found %+v after its function's deletion", got)
		}
	})
}
