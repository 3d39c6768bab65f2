package signing_test

import (
	"strings"
	"testing"

	"thaw.dev/thaw/internal/leakcheck"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/signing"
	"thaw.dev/thaw/store"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const account = "000000000000"

func open(t *testing.T, dir string) (*signing.Configs, func()) {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return signing.New("us-east-1", s.Records()), func() { _ = s.Close() }
}

func TestConfigsSurviveARestart(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	c, done := open(t, dir)
	v, err := c.Create(t.Context(), account, signing.Input{Publishers: []string{"arn"}, Policy: new(signing.Enforce), Tags: map[string]string{"a": "b"}})
	if err != nil {
		t.Fatal(err)
	}
	arn := c.ARN(account, v.ID)
	done()
	c, done = open(t, dir)
	defer done()
	got, err := c.Get(account, arn)
	if err != nil || got.Policy != signing.Enforce || got.Tags["a"] != "b" || !got.Modified.Equal(v.Modified) {
		t.Errorf("got %+v (%v)", got, err)
	}
	if enforced, err := c.Enforced(account, arn); err != nil || !enforced {
		t.Errorf("enforced %v (%v)", enforced, err)
	}
	for _, other := range []string{
		strings.Replace(arn, "us-east-1", "eu-west-1", 1), strings.Replace(arn, account, "111111111111", 1), arn[:len(arn)-1] + "!", "",
	} {
		if _, err := c.Enforced(account, other); lambda.KindOf(err) != lambda.KindNoCodeSigning {
			t.Errorf("%s: %v", other, err)
		}
	}
	if _, err := c.Enforced("111111111111", strings.Replace(arn, account, "111111111111", 1)); lambda.KindOf(err) != lambda.KindNoCodeSigning {
		t.Errorf("another account's: %v", err)
	}
	if err := c.Delete(t.Context(), account, arn); err != nil {
		t.Fatal(err)
	}
	if list, _ := c.List(account, "", 10); len(list) != 0 {
		t.Errorf("left: %v", list)
	}
}

func TestTooManyTags(t *testing.T) {
	t.Parallel()
	c, done := open(t, t.TempDir())
	defer done()
	v, err := c.Create(t.Context(), account, signing.Input{Publishers: []string{"arn"}})
	if err != nil {
		t.Fatal(err)
	}
	tags := map[string]string{}
	for i := range lambda.MaxTags + 1 {
		tags[strings.Repeat("x", i+1)] = ""
	}
	if err := c.Tag(t.Context(), account, c.ARN(account, v.ID), tags); lambda.KindOf(err) != lambda.KindInvalid {
		t.Errorf("got %v", err)
	}
	if got, _ := c.Get(account, c.ARN(account, v.ID)); len(got.Tags) != 0 {
		t.Errorf("refused tags are there: %v", got.Tags)
	}
}
