package accounts_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/cloudwatch"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

const (
	alice, bob = "111111111111", "222222222222"
	// patience is far more than anything here takes.
	patience = time.Minute
)

// services are all requests by service, and what another account mostly gets.
var services = []struct {
	name, other string
	requests    []request
}{
	{"lambda", notFound, lambdaRequests},
	{"iam", noEntity, iamRequests},
	{"sts", denied, stsRequests},
	{"logs", noGroup, logsRequests}, // last: it reads what the functions wrote
}

// TestEveryOperationIsListed: what is implemented is tried below.
func TestEveryOperationIsListed(t *testing.T) {
	implemented := map[string][]string{
		"logs": cloudwatch.Operations(), "iam": gateway.QueryActions("iam"), "sts": gateway.QueryActions("sts"),
	}
	refused := gateway.Refusals()
	for _, op := range api.Operations {
		if refused[op.Name] == "" {
			implemented["lambda"] = append(implemented["lambda"], op.Name)
		}
	}
	for _, s := range services {
		var listed []string
		for _, r := range s.requests {
			listed = append(listed, r.op)
		}
		for _, op := range implemented[s.name] {
			if !slices.Contains(listed, op) {
				t.Errorf("nothing tries %s of %s with another account", op, s.name)
			}
		}
		if len(implemented[s.name]) == 0 {
			t.Errorf("no operations of %s", s.name)
		}
	}
}

// TestAccountsAreApart: with each operation of each service another account sees nothing, changes nothing and calls nothing,
// while the same request is good for its owner. Names that both use are different things.
func TestAccountsAreApart(t *testing.T) {
	thaw, data := program(t), t.TempDir()
	mappings := map[string]string{alice: newMapping(t, data, alice), bob: newMapping(t, data, bob)}
	endpoint := start(t, thaw, data)
	a, b := newTenant(t, thaw, data, endpoint, alice), newTenant(t, thaw, data, endpoint, bob)
	a.known["mapping"], b.known["mapping"] = mappings[alice], mappings[bob]

	a.build(t)
	before := a.state(t)
	each(func(r *request, other string) { b.tries(t, r, a, other) })
	b.visits(t, a, 403, 404)
	same(t, before, a.state(t), "after another account had tried everything")

	b.build(t)
	if all := b.state(t); strings.Contains(all, alice) {
		t.Errorf("the second account sees the first in\n%s", all)
	}
	a.known["own mapping"] = mappings[bob]
	for i := range uses {
		uses[i].service = "lambda"
		b.gets(t, &uses[i], a, "", uses[i].other)
	}
	b.clear(t)
	same(t, before, a.state(t), "after another account had made and removed its own things of the same names")
	a.visits(t, a, 200, 200)
	a.clear(t)
}

// each goes over all requests in their order.
func each(do func(r *request, other string)) {
	for i := range services {
		for j := range services[i].requests {
			r := &services[i].requests[j]
			r.service = services[i].name
			other := r.other
			if other == "" {
				other = services[i].other
			}
			do(r, other)
		}
	}
}

// invocations is how often build invokes the function.
const invocations = 4

// build makes everything of an account, and shows that each request is good.
func (a *tenant) build(t *testing.T) {
	t.Helper()
	each(func(r *request, _ string) {
		if r.last || r.op == "StartLiveTail" { // which would not end
			return
		}
		a.makes(t, r)
		if r.service == "lambda" && !r.reads {
			a.settle(t, r)
		}
	})
}

// clear removes everything of an account.
func (a *tenant) clear(t *testing.T) {
	t.Helper()
	each(func(r *request, _ string) {
		if r.last {
			a.makes(t, r)
		}
	})
}

// settle waits until nothing of the function that r was about is being changed.
func (a *tenant) settle(t *testing.T, r *request) {
	t.Helper()
	name := "f"
	if strings.Contains(r.body, `"FunctionName":"d"`) {
		name = "d"
	}
	a.await(t, `"State":"Active"`, func() bool {
		body := a.Do(t, "lambda", "GET", "/2015-03-31/functions/"+name+"/configuration", "").Body
		return strings.Contains(body, `"State":"Active"`) && !strings.Contains(body, `"LastUpdateStatus":"InProgress"`)
	})
}

func (a *tenant) await(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(patience); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not in time: %s", what)
		}
	}
}

// passing is what differs between two looks at the same thing: presigned URLs, request ids, where a page of logs ends.
var passing = regexp.MustCompile(`"Location":"[^"]*"|<RequestId>[^<]*|"next[A-Za-z]*Token":"[^"]*"`)

// state is all that an account sees of its own, when what it began has ended.
func (a *tenant) state(t *testing.T) string {
	t.Helper()
	a.await(t, "provisioned concurrency", func() bool {
		return strings.Contains(a.Do(t, "lambda", "GET", "/2019-09-30/functions/f/provisioned-concurrency?Qualifier=live", "").Body, "READY")
	})
	a.await(t, "the end of all invocations in the log", func() bool {
		answer := a.do(t, &request{service: "logs", op: "FilterLogEvents", body: `{"logGroupName":"/aws/lambda/f"}`}, a, "")
		return strings.Count(answer.Body, "REPORT RequestId") >= invocations
	})
	var all strings.Builder
	each(func(r *request, _ string) {
		if r.reads {
			fmt.Fprintf(&all, "%s %s %s\n", r.service, r.op, passing.ReplaceAllString(a.do(t, r, a, "").Body, ""))
		}
	})
	return all.String()
}

func same(t *testing.T, before, after, when string) {
	t.Helper()
	was, is := strings.Split(before, "\n"), strings.Split(after, "\n")
	for i := range max(len(was), len(is)) {
		if i >= len(was) || i >= len(is) || was[i] != is[i] {
			t.Errorf("%s, the first account's\n%s\nis\n%s", when, strings.Join(was[min(i, len(was)):], "\n"), strings.Join(is[min(i, len(is)):], "\n"))
			return
		}
	}
}

// tries makes the request of another account, by the name that this uses and by those that say whose it is.
func (b *tenant) tries(t *testing.T, r *request, owner *tenant, want string) {
	t.Helper()
	if want != itsOwn {
		b.gets(t, r, owner, "", want)
	}
	if len(r.labels) == 0 || r.service != "lambda" {
		return
	}
	named := r.named
	if named == "" {
		named = denied
	}
	switch r.labels[0] {
	case "f", "d":
		b.gets(t, r, owner, "arn:aws:lambda:us-east-1:{account}:function:"+r.labels[0], named)
		b.gets(t, r, owner, "{account}:function:"+r.labels[0], named)
	case "l":
		b.gets(t, r, owner, "arn:aws:lambda:us-east-1:{account}:layer:l", named)
	}
}

// gets makes a request about another account's things, and wants an answer that shows nothing of them.
func (b *tenant) gets(t *testing.T, r *request, owner *tenant, first, want string) {
	t.Helper()
	answer := b.do(t, r, owner, owner.fill(first))
	if want == none {
		for _, secret := range []string{owner.account, owner.known["mapping"]} {
			if strings.Contains(answer.Body, secret) {
				t.Errorf("%s shows %s to another account: %s", r.op, secret, answer.Body)
			}
		}
		if answer.Status >= 300 {
			t.Errorf("%s of another account answered %d %s", r.op, answer.Status, answer.Body)
		}
		return
	}
	if got := fmt.Sprint(answer.Status, " ", errorName(answer)); got != want {
		t.Errorf("%s%s of %q by another account answered %s, want %s: %s", r.op, r.body, first, got, want, answer.Body)
	}
}

// visits tries what no operation is for: the function's URL, and where packages are downloaded.
func (a *tenant) visits(t *testing.T, owner *tenant, wantURL, wantPackage int) {
	t.Helper()
	host := strings.TrimSuffix(strings.TrimPrefix(owner.known["url"], "http://"), "/")
	if got := a.Do(t, "lambda", "POST", "/", `{}`, "Host: "+host); got.Status != wantURL {
		t.Errorf("the URL answered %d %s, want %d", got.Status, got.Body, wantURL)
	}
	for _, r := range []request{{service: "lambda", op: "GetFunction", labels: f}, {service: "lambda", op: "GetLayerVersion", labels: []string{"l", "1"}}} {
		answer := owner.do(t, &r, owner, "")
		found := location.FindStringSubmatch(answer.Body)
		if found == nil {
			t.Fatalf("%s has no location: %s", r.op, answer.Body)
		}
		if got := a.Do(t, "lambda", "GET", found[1], ""); got.Status != wantPackage {
			t.Errorf("%s answered %d %.80q, want %d", found[1], got.Status, got.Body, wantPackage)
		}
	}
}

// location finds the path of a download.
var location = regexp.MustCompile(`"Location":"http://[^/"]*(/[^?"]*)`)
