package layer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/layer"
	"thaw.dev/thaw/store"
)

const (
	mine   = "000000000000"
	theirs = "111111111111"
)

// rig is the layers of a store in a directory.
type rig struct {
	*layer.Layers
	packages controltest.Packages
	used     int64 // bytes of functions
	dir      string
	store    *store.Store
}

func newRig(t *testing.T) *rig {
	t.Helper()
	r := &rig{dir: t.TempDir()}
	r.open(t)
	t.Cleanup(func() { _ = r.store.Close() })
	return r
}

func (r *rig) open(t *testing.T) {
	t.Helper()
	var err error
	if r.store, err = store.Open(t.Context(), store.Options{Dir: r.dir}); err != nil {
		t.Fatal(err)
	}
	r.Layers = layer.New(layer.Options{
		Region: "us-east-1", Records: r.store.Records(), Packages: &r.packages, FunctionBytes: func(string) int64 { return r.used },
	})
}

func (r *rig) restart(t *testing.T) {
	t.Helper()
	if err := r.store.Close(); err != nil {
		t.Fatal(err)
	}
	r.open(t)
}

func (r *rig) publish(t *testing.T, name string, runtimes ...string) *layer.Version {
	t.Helper()
	v, err := r.Publish(t.Context(), layer.PublishInput{Account: mine, Name: name, Zip: []byte("PK " + name), Runtimes: runtimes, Architectures: []string{"x86_64"}})
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func ref(name string, version int) lambda.LayerRef {
	return lambda.LayerRef{Region: "us-east-1", Account: mine, Name: name, Version: version}
}

func caller(account string) layer.Caller {
	return layer.Caller{Account: account, ARN: "arn:aws:iam::" + account + ":root"}
}

func wantKind(t *testing.T, err error, kind lambda.Kind, text string) {
	t.Helper()
	if lambda.KindOf(err) != kind || err == nil || !strings.Contains(err.Error(), text) {
		t.Errorf("got %v, want kind %d with %q", err, kind, text)
	}
}

func TestNumbersAreNeverUsedAgain(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for want := 1; want <= 3; want++ {
		if v := r.publish(t, "l"); v.Number != want {
			t.Fatalf("published %d, want %d", v.Number, want)
		}
	}
	for n := 3; n >= 1; n-- {
		for range 2 { // deleting again changes nothing
			if err := r.Delete(t.Context(), mine, "l", n); err != nil {
				t.Fatal(err)
			}
		}
	}
	if list, _ := r.Versions(mine, "l", layer.Filter{}, 0, 50); len(list) != 0 {
		t.Errorf("left: %v", list)
	}
	if list, _ := r.List(mine, layer.Filter{}, "", 50); len(list) != 0 || r.CodeBytes(mine) != 0 {
		t.Errorf("a layer without versions is listed: %v, %d bytes", list, r.CodeBytes(mine))
	}
	r.restart(t)
	if v := r.publish(t, "l"); v.Number != 4 {
		t.Errorf("published %d after all were deleted", v.Number)
	}
	_, err := r.Get(caller(mine), ref("l", 3))
	wantKind(t, err, lambda.KindNotFound, "The resource you requested does not exist.")
	if v, err := r.Get(caller(mine), ref("l", 4)); err != nil || v.Code.Size != int64(len("PK l")) {
		t.Errorf("got %+v (%v)", v, err)
	}
}

func TestPublishAtOnce(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	var wg sync.WaitGroup
	var mu sync.Mutex
	var numbers []int
	for range 8 {
		wg.Go(func() {
			v, err := r.Publish(context.WithoutCancel(t.Context()), layer.PublishInput{Account: mine, Name: "l", Zip: []byte("PK")})
			if err != nil {
				t.Error(err)
				return
			}
			mu.Lock()
			defer mu.Unlock()
			numbers = append(numbers, v.Number)
		})
	}
	wg.Wait()
	slices.Sort(numbers)
	if !slices.Equal(numbers, []int{1, 2, 3, 4, 5, 6, 7, 8}) {
		t.Errorf("numbers %v", numbers)
	}
}

func TestLists(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for i := range 5 {
		r.publish(t, "a", fmt.Sprintf("python3.1%d", i%2))
	}
	r.publish(t, "b", "nodejs20.x")
	r.publish(t, "c")
	show := func(list []*layer.Version, more bool) string {
		var names []string
		for _, v := range list {
			names = append(names, fmt.Sprintf("%s:%d", v.Name, v.Number))
		}
		return fmt.Sprint(strings.Join(names, " "), " ", more)
	}
	for _, test := range []struct{ got, want string }{
		{show(r.Versions(mine, "a", layer.Filter{}, 0, 2)), "a:5 a:4 true"},
		{show(r.Versions(mine, "a", layer.Filter{}, 4, 3)), "a:3 a:2 a:1 false"},
		{show(r.Versions(mine, "a", layer.Filter{Runtime: "python3.11"}, 0, 1)), "a:4 true"},
		{show(r.Versions(mine, "a", layer.Filter{Runtime: "python3.11"}, 4, 1)), "a:2 false"},
		{show(r.Versions(mine, "a", layer.Filter{Architecture: "arm64"}, 0, 50)), " false"},
		{show(r.Versions(mine, "none", layer.Filter{}, 0, 50)), " false"},
		{show(r.Versions(theirs, "a", layer.Filter{}, 0, 50)), " false"},
		{show(r.List(mine, layer.Filter{}, "", 2)), "a:5 b:1 true"},
		{show(r.List(mine, layer.Filter{}, "b", 2)), "c:1 false"},
		{show(r.List(mine, layer.Filter{Runtime: "python3.11"}, "", 2)), "a:4 false"},
		{show(r.List(theirs, layer.Filter{}, "", 2)), " false"},
	} {
		if test.got != test.want {
			t.Errorf("got %q, want %q", test.got, test.want)
		}
	}
}

func TestPermissions(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, "l")
	arn := ref("l", 1).ARN()
	resolve := func(account string) error {
		_, err := r.Resolve(account, caller(account).ARN, []string{arn})
		return err
	}
	const refusal = "User: arn:aws:iam::111111111111:root is not authorized to perform: lambda:GetLayerVersion on resource: " +
		"arn:aws:lambda:us-east-1:000000000000:layer:l:1 because no resource-based policy allows the lambda:GetLayerVersion action"
	wantKind(t, resolve(theirs), lambda.KindDenied, refusal)
	_, err := r.Get(caller(theirs), ref("l", 1))
	wantKind(t, err, lambda.KindDenied, refusal)
	_, err = r.Get(caller(theirs), ref("none", 1))
	wantKind(t, err, lambda.KindDenied, "not authorized") // nothing is told about what exists
	_, _, err = r.Policy(ref("l", 1))
	wantKind(t, err, lambda.KindNotFound, "No policy is associated with the given resource.")

	statement, first, err := r.Permit(t.Context(), ref("l", 1), layer.Permission{ID: "one", Principal: theirs}, "")
	if err != nil {
		t.Fatal(err)
	}
	const text = `{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111111111111:root"},"Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:l:1"}`
	if statement != text || first == "" {
		t.Errorf("statement %s, revision %q", statement, first)
	}
	if err := resolve(theirs); err != nil {
		t.Error(err)
	}
	wantKind(t, resolve("222222222222"), lambda.KindDenied, "not authorized")
	_, _, err = r.Permit(t.Context(), ref("l", 1), layer.Permission{ID: "one", Principal: "222222222222"}, "")
	wantKind(t, err, lambda.KindConflict, "The statement id (one) provided already exists")
	_, second, err := r.Permit(t.Context(), ref("l", 1), layer.Permission{ID: "all", Principal: layer.Everyone}, first)
	if err != nil || second == first {
		t.Fatalf("revision %q (%v)", second, err)
	}
	if err := resolve("222222222222"); err != nil {
		t.Error(err)
	}
	r.restart(t)
	policy, revision, err := r.Policy(ref("l", 1))
	want := `{"Version":"2012-10-17","Id":"default","Statement":[` + text + `,{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"` + arn + `"}]}`
	if err != nil || policy != want || revision != second || !json.Valid([]byte(policy)) {
		t.Errorf("policy %s, revision %q (%v)", policy, revision, err)
	}
	wantKind(t, r.Forbid(t.Context(), ref("l", 1), "all", first), lambda.KindPrecondition, "does not match the latest Revision Id")
	wantKind(t, r.Forbid(t.Context(), ref("l", 1), "none", ""), lambda.KindNotFound, "Statement none is not found")
	for _, id := range []string{"all", "one"} {
		if err := r.Forbid(t.Context(), ref("l", 1), id, ""); err != nil {
			t.Fatal(err)
		}
	}
	wantKind(t, resolve(theirs), lambda.KindDenied, "not authorized")
	wantKind(t, r.Forbid(t.Context(), ref("none", 1), "x", ""), lambda.KindNotFound, "Layer version")

	for i := 0; ; i++ {
		_, _, err := r.Permit(t.Context(), ref("l", 1), layer.Permission{ID: fmt.Sprint(strings.Repeat("x", 90), i), Principal: theirs}, "")
		if err == nil && i < 200 {
			continue
		}
		wantKind(t, err, lambda.KindPolicyLength, "The final policy size (")
		break
	}
}

func TestResolveRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.publish(t, "l")
	for arn, text := range map[string]string{
		ref("l", 2).ARN():    "Layer version arn:aws:lambda:us-east-1:000000000000:layer:l:2 does not exist.",
		ref("none", 1).ARN(): "Layer version arn:aws:lambda:us-east-1:000000000000:layer:none:1 does not exist.",
		"arn:aws:lambda:eu-west-1:000000000000:layer:l:1": "Layers are not in the same region as the function. Layers are expected to be in region us-east-1.",
		"arn:aws:lambda:::awslayer:AmazonLinux1803":       "Invalid layer version ARN",
	} {
		_, err := r.Resolve(mine, caller(mine).ARN, []string{arn})
		wantKind(t, err, lambda.KindInvalid, text)
	}
	for _, n := range []int{0, -1} {
		_, err := r.Get(caller(mine), ref("l", n))
		wantKind(t, err, lambda.KindInvalid, "Layer Version Cannot be less than 1.")
		wantKind(t, r.Delete(t.Context(), mine, "l", n), lambda.KindInvalid, "Layer Version Cannot be less than 1.")
	}
}

func TestPublishRefusals(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	in := layer.PublishInput{Account: mine, Name: "l"}
	_, err := r.Publish(t.Context(), in)
	wantKind(t, err, lambda.KindInvalid, "Please provide a source for layer content.")
	in.Zip = []byte("text")
	_, err = r.Publish(t.Context(), in)
	wantKind(t, err, lambda.KindInvalid, "Could not unzip uploaded file")
	in.Zip, r.used = []byte("PK"), lambda.MaxCodeStorageBytes
	_, err = r.Publish(t.Context(), in)
	wantKind(t, err, lambda.KindCodeStorage, "Code storage limit exceeded.")
	if list, _ := r.List(mine, layer.Filter{}, "", 50); len(list) != 0 {
		t.Errorf("what was refused is there: %v", list)
	}
}
