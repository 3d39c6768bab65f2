package account_test

import (
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"thaw.dev/thaw/account"
	"thaw.dev/thaw/auth"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

const first = "000000000000"

// open opens the accounts of a directory as a server does; close ends it.
func open(t *testing.T, dir string) (a *account.Accounts, keys *auth.Keys, done func()) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "store")})
	if err != nil {
		t.Fatal(err)
	}
	keys, err = auth.OpenKeys(filepath.Join(dir, "credentials"), first)
	if err != nil {
		t.Fatal(err)
	}
	return account.Open(s.Records(), keys), keys, func() { _ = s.Close() }
}

func TestAccounts(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a, keys, done := open(t, dir)
	ctx := t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	second, k, err := a.Create(ctx, "", "the second")
	must(err)
	if !regexp.MustCompile(`^[1-9][0-9]{11}$`).MatchString(second.ID) || k.Account != second.ID || len(k.Secret) != 40 || !k.Active {
		t.Errorf("created %+v with key %s of %s", second, k.ID, k.Account)
	}
	_, _, err = a.Create(ctx, "222222222222", "")
	must(err)
	another, err := a.CreateKey(ctx, second.ID)
	must(err)
	must(a.SetActive(ctx, second.ID, another.ID, false))
	third, err := a.CreateKey(ctx, first)
	must(err)
	must(a.DeleteKey(ctx, first, third.ID))
	must(a.SetDisabled(ctx, "222222222222", true))
	must(a.SetDisabled(ctx, first, true))
	must(a.SetDisabled(ctx, first, false))

	check := func(a *account.Accounts, keys *auth.Keys) {
		t.Helper()
		var got []string
		for _, x := range a.List() {
			got = append(got, x.ID+" "+x.Name)
			if x.Disabled != (x.ID == "222222222222") || (a.CheckEnabled(x.ID) != nil) != x.Disabled {
				t.Errorf("%s disabled: %v, %v", x.ID, x.Disabled, a.CheckEnabled(x.ID))
			}
		}
		want := []string{first + " ", "222222222222 ", second.ID + " the second"}
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("accounts %q, want %q", got, want)
		}
		list, err := a.Keys(second.ID)
		must(err)
		for _, x := range list {
			if x.Secret != "" || x.Active != (x.ID == k.ID) || x.Created.IsZero() {
				t.Errorf("key %+v", x)
			}
		}
		if len(list) != 2 {
			t.Errorf("%d keys", len(list))
		}
		own, err := a.Keys(first)
		must(err)
		if len(own) != 1 || !own[0].InFile || own[0].ID != keys.Default().AccessKeyID {
			t.Errorf("keys of the first account: %+v", own)
		}
	}
	check(a, keys)
	done()
	a, keys, done = open(t, dir)
	defer done()
	check(a, keys)
}

func TestRefusals(t *testing.T) {
	t.Parallel()
	a, keys, done := open(t, t.TempDir())
	defer done()
	ctx := t.Context()
	create := func(id, name string) error { _, _, err := a.Create(ctx, id, name); return err }
	key := func(_ account.Key, err error) error { return err }
	for _, c := range []struct {
		name string
		err  error
		kind lambda.Kind
	}{
		{"id", create("12", ""), lambda.KindInvalid},
		{"name", create("", "a\nb"), lambda.KindInvalid},
		{"long name", create("", strings.Repeat("a", 65)), lambda.KindInvalid},
		{"account of the file", create(first, ""), lambda.KindConflict},
		{"key of nobody", key(a.CreateKey(ctx, "999999999999")), lambda.KindNotFound},
		{"disable nobody", a.SetDisabled(ctx, "999999999999", true), lambda.KindNotFound},
		{"key of the file", a.DeleteKey(ctx, first, keys.Default().AccessKeyID), lambda.KindInvalid},
		{"another's key", a.SetActive(ctx, "999999999999", keys.Default().AccessKeyID, false), lambda.KindNotFound},
	} {
		if c.err == nil || lambda.KindOf(c.err) != c.kind {
			t.Errorf("%s: %v", c.name, c.err)
		}
	}
	if _, err := a.Keys("999999999999"); lambda.KindOf(err) != lambda.KindNotFound {
		t.Errorf("keys of nobody: %v", err)
	}
}
