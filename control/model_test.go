package control_test

import (
	"cmp"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/control/controltest"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

var (
	modelSeed  = flag.Uint64("model.seed", 0, "seed of TestControlFollowsTheModel; 0 draws one")
	modelSteps = flag.Int("model.steps", 400, "steps of TestControlFollowsTheModel")
)

// model is what the control plane should hold: functions by name.
type model map[string]*modelFunction

type modelFunction struct {
	content  string // description and code of $LATEST
	versions map[int]string
	last     int // the highest number that a version had
	aliases  map[string]string
	tags     map[string]string
	reserved int                 // -1: none
	policies map[string][]string // statement ids by qualifier, sorted
	urls     map[string]bool     // by qualifier
	revision string              // of $LATEST; "?" after a change whose revision nobody has seen yet
}

func (m model) clone() model {
	next := model{}
	for name, f := range m {
		c := *f
		c.versions, c.aliases, c.tags, c.urls = maps.Clone(f.versions), maps.Clone(f.aliases), maps.Clone(f.tags), maps.Clone(f.urls)
		c.policies = map[string][]string{}
		for q, ids := range f.policies {
			c.policies[q] = slices.Clone(ids)
		}
		next[name] = &c
	}
	return next
}

// has reports whether a qualifier of f leads somewhere.
func (f *modelFunction) has(qualifier string) bool {
	if n, err := strconv.Atoi(qualifier); err == nil {
		_, ok := f.versions[n]
		return ok
	}
	_, ok := f.aliases[qualifier]
	return qualifier == "" || qualifier == lambda.Latest || ok
}

// permitted notes that a policy or URL changed, which is a new revision of what bears it.
func (f *modelFunction) permitted(qualifier string) {
	if qualifier == "" {
		f.revision = "?"
	}
}

// step is one call: what it does to a model and to the real thing. Both return what the caller sees: "" for success, or
// the kind of error.
type step struct {
	text  string
	model func(m model) string
	real  func(f *control.Functions) error
}

const (
	notFound     = "not found"
	conflict     = "conflict"
	precondition = "precondition"
	invalid      = "invalid"
)

func kindText(err error) string {
	if err == nil {
		return ""
	}
	switch lambda.KindOf(err) {
	case lambda.KindNotFound:
		return notFound
	case lambda.KindConflict:
		if strings.Contains(err.Error(), "cannot be performed at this time") {
			return "busy"
		}
		return conflict
	case lambda.KindPrecondition:
		return precondition
	case lambda.KindInvalid:
		return invalid
	}
	return err.Error()
}

// of makes a step on one function, which must be there.
func of(text, name string, change func(f *modelFunction) string, real func(*control.Functions) error) step {
	return step{text, func(m model) string {
		if m[name] == nil {
			return notFound
		}
		return change(m[name])
	}, real}
}

// client is somebody who remembers the revision that it saw last of each function.
type modelClient map[string]string

// draw makes up the next step of a client.
func draw(r *rand.Rand, seen modelClient, ctx context.Context) step {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	name, alias, version := pick("a", "b", "c"), pick("live", "next"), pick("1", "2", "3", "4")
	qualifier := pick("", "", alias, version)
	text := pick("red", "green", "blue")
	var revision *string
	if seen[name] != "" && r.IntN(2) == 0 {
		revision = ptr(seen[name])
	}
	stale := func(f *modelFunction) bool { return revision != nil && *revision != f.revision }
	switch r.IntN(16) {
	case 0, 1:
		in := input(name)
		in.Settings.Description = &text
		return step{"create " + name + " " + text, func(m model) string {
			if m[name] != nil {
				return conflict
			}
			m[name] = &modelFunction{
				content: text + " PK one", versions: map[int]string{}, aliases: map[string]string{}, tags: map[string]string{},
				reserved: -1, policies: map[string][]string{}, urls: map[string]bool{}, revision: "?",
			}
			return ""
		}, func(f *control.Functions) error { _, err := f.Create(ctx, in); return err }}
	case 2:
		return step{"delete " + name, func(m model) string {
			if m[name] == nil {
				return notFound
			}
			delete(m, name)
			return ""
		}, func(f *control.Functions) error { return f.Delete(ctx, account, name) }}
	case 3:
		return of("describe "+name+" "+text, name, func(f *modelFunction) string {
			if stale(f) {
				return precondition
			}
			_, code, _ := strings.Cut(f.content, " ")
			f.content, f.revision = text+" "+code, "?"
			return ""
		}, func(f *control.Functions) error {
			_, err := f.UpdateConfig(ctx, control.UpdateConfigInput{Account: account, Name: name, RevisionID: revision, Settings: control.Settings{Description: &text}})
			return err
		})
	case 4:
		return of("code "+name+" "+text, name, func(f *modelFunction) string {
			if stale(f) {
				return precondition
			}
			description, _, _ := strings.Cut(f.content, " ")
			f.content, f.revision = description+" PK "+text, "?"
			return ""
		}, func(f *control.Functions) error {
			_, err := f.UpdateCode(ctx, control.UpdateCodeInput{Account: account, Name: name, RevisionID: revision, Zip: []byte("PK " + text)})
			return err
		})
	case 5, 6:
		return of("publish "+name, name, func(f *modelFunction) string {
			if stale(f) {
				return precondition
			}
			if f.last > 0 && f.versions[f.last] == f.content {
				return ""
			}
			f.last++
			f.versions[f.last] = f.content
			return ""
		}, func(f *control.Functions) error {
			_, err := f.PublishVersion(ctx, control.PublishInput{Account: account, Name: name, RevisionID: revision})
			return err
		})
	case 7:
		n, _ := strconv.Atoi(version)
		return of("delete "+name+":"+version, name, func(f *modelFunction) string {
			if _, ok := f.versions[n]; !ok {
				return notFound
			}
			for _, to := range f.aliases {
				if to == version {
					return conflict
				}
			}
			delete(f.versions, n)
			delete(f.policies, version)
			return ""
		}, func(f *control.Functions) error { return f.DeleteVersion(ctx, account, name, version) })
	case 8:
		return of("alias "+name+":"+alias+" to "+version, name, func(f *modelFunction) string {
			if _, ok := f.aliases[alias]; ok {
				return conflict
			}
			if !f.has(version) {
				return notFound
			}
			f.aliases[alias] = version
			return ""
		}, func(f *control.Functions) error {
			_, err := f.CreateAlias(ctx, control.AliasInput{Account: account, Name: name, Alias: alias, Version: &version})
			return err
		})
	case 9:
		return of("move "+name+":"+alias+" to "+version, name, func(f *modelFunction) string {
			if _, ok := f.aliases[alias]; !ok || !f.has(version) {
				return notFound
			}
			f.aliases[alias] = version
			return ""
		}, func(f *control.Functions) error {
			_, err := f.UpdateAlias(ctx, control.AliasInput{Account: account, Name: name, Alias: alias, Version: &version})
			return err
		})
	case 10:
		return of("unalias "+name+":"+alias, name, func(f *modelFunction) string {
			delete(f.aliases, alias)
			delete(f.policies, alias)
			delete(f.urls, alias)
			return ""
		}, func(f *control.Functions) error { return f.DeleteAlias(ctx, account, name, alias) })
	case 11:
		return of("tag "+name+" "+text, name, func(f *modelFunction) string {
			f.tags[text], f.revision = name, "?"
			return ""
		}, func(f *control.Functions) error { return f.Tag(ctx, account, name, map[string]string{text: name}) })
	case 12:
		n := r.IntN(700)
		return step{fmt.Sprintf("reserve %s %d", name, n), func(m model) string {
			f := m[name]
			if f == nil {
				return notFound
			}
			others := 0
			for other, g := range m {
				if other != name {
					others += max(0, g.reserved)
				}
			}
			if n > max(0, f.reserved) && lambda.AccountConcurrency-others-n < lambda.MinUnreserved {
				return invalid
			}
			f.reserved = n
			return ""
		}, func(f *control.Functions) error { return f.Reserve(ctx, account, name, n) }}
	case 13:
		return of("permit "+name+":"+qualifier+" "+text, name, func(f *modelFunction) string {
			switch {
			case !f.has(qualifier):
				return notFound
			case slices.Contains(f.policies[qualifier], text):
				return conflict
			}
			f.policies[qualifier] = slices.Sorted(slices.Values(append(f.policies[qualifier], text)))
			f.permitted(qualifier)
			return ""
		}, func(f *control.Functions) error {
			_, err := f.AddPermission(ctx, account, name, qualifier, control.Permission{
				StatementID: text, Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com",
			}, nil)
			return err
		})
	case 14:
		return of("forbid "+name+":"+qualifier+" "+text, name, func(f *modelFunction) string {
			i := slices.Index(f.policies[qualifier], text)
			if !f.has(qualifier) || i < 0 {
				return notFound
			}
			if f.policies[qualifier] = slices.Delete(f.policies[qualifier], i, i+1); len(f.policies[qualifier]) == 0 {
				delete(f.policies, qualifier)
			}
			f.permitted(qualifier)
			return ""
		}, func(f *control.Functions) error { return f.RemovePermission(ctx, account, name, qualifier, text, nil) })
	}
	place := pick("", alias)
	if r.IntN(2) == 0 {
		return of("url "+name+":"+place, name, func(f *modelFunction) string {
			if !f.has(place) {
				return notFound
			}
			if f.urls[place] {
				return conflict
			}
			f.urls[place] = true
			f.permitted(place)
			return ""
		}, func(f *control.Functions) error {
			_, err := f.CreateURL(ctx, control.URLInput{Account: account, Name: name, Qualifier: place, AuthType: ptr("NONE")})
			return err
		})
	}
	return of("no url "+name+":"+place, name, func(f *modelFunction) string {
		if !f.urls[place] {
			return notFound
		}
		delete(f.urls, place)
		f.permitted(place)
		return ""
	}, func(f *control.Functions) error { return f.DeleteURL(ctx, account, name, place) })
}

// observe reads everything back, as a model. It waits until nothing is being prepared.
func observe(t *testing.T, f *control.Functions, packages map[string]string) model {
	t.Helper()
	m := model{}
	page, _ := f.List(account, "", 100)
	for _, sf := range page {
		name := sf.Config.Name
		cur := settled(t, f, name)
		content := func(c *lambda.Config) string { return c.Description + " " + packages[c.Code.SHA256] }
		mf := &modelFunction{
			content: content(&cur.Config), versions: map[int]string{}, aliases: map[string]string{}, tags: map[string]string{}, last: cur.LastVersion,
			reserved: -1, policies: map[string][]string{}, urls: map[string]bool{}, revision: cur.Config.RevisionID,
		}
		maps.Copy(mf.tags, cur.Tags)
		if cur.Reserved != nil {
			mf.reserved = *cur.Reserved
		}
		qualifiers := []string{""}
		versions, _, err := f.Versions(account, name, "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range versions[1:] {
			n, _ := strconv.Atoi(v.Version)
			mf.versions[n] = content(v)
			qualifiers = append(qualifiers, v.Version)
		}
		aliases, _, err := f.Aliases(account, name, "", "", 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range aliases {
			mf.aliases[a.Name] = a.Version
			qualifiers = append(qualifiers, a.Name)
		}
		for q := range cur.Qualified {
			if !slices.Contains(qualifiers, q) {
				t.Errorf("%s has settings for %q, which is not there", name, q)
			}
		}
		for _, q := range qualifiers {
			if d, err := f.Policy(account, name, q); err == nil && d != nil {
				for _, s := range d.Statements {
					mf.policies[q] = append(mf.policies[q], s.Sid)
				}
				slices.Sort(mf.policies[q])
			}
			if u, err := f.URL(account, name, q); err == nil {
				mf.urls[q] = true
				if found, ok := f.FindURL(u.ID); !ok || found.Name != name || found.Qualifier != q {
					t.Errorf("the URL %s leads to %+v, %t; want %s:%s", u.ID, found, ok, name, q)
				}
			}
		}
		m[name] = mf
	}
	return m
}

// settled waits until a function is neither created nor updated.
func settled(t *testing.T, f *control.Functions, name string) store.Function {
	t.Helper()
	for {
		cur, err := f.Get(account, name, "")
		if err != nil {
			t.Fatal(err)
		}
		if cur.Config.State == lambda.StateActive && cur.Config.UpdateStatus != lambda.UpdateInProgress {
			return cur
		}
		if t.Context().Err() != nil {
			t.Fatalf("%s is %s, %s", name, cur.Config.State, cur.Config.UpdateStatus)
		}
	}
}

// TestControlFollowsTheModel makes random calls of two clients, some of them at once, on a real store that is closed and
// opened again in between, and compares every outcome and everything that is kept with a model of a few maps. What two
// calls at once did must be what they would have done in one of the two orders.
func TestControlFollowsTheModel(t *testing.T) {
	t.Parallel()
	seed := *modelSeed
	if seed == 0 {
		seed = rand.Uint64()
	}
	t.Logf("to see this again: go test ./control -run FollowsTheModel -model.seed %d", seed)
	r := rand.New(rand.NewPCG(seed, 0))
	dir, zips := t.TempDir(), &controltest.Packages{}
	packages := map[string]string{}
	for _, text := range []string{"PK one", "PK red", "PK green", "PK blue"} {
		code, err := zips.Put(t.Context(), []byte(text))
		if err != nil {
			t.Fatal(err)
		}
		packages[code.SHA256] = text
	}
	open := func() (*control.Functions, func()) {
		s, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		f := control.New(control.Options{
			Region: "us-east-1", Store: s.Functions(), Packages: zips, Layers: controltest.Layers{}, Slots: &controltest.Slots{},
			EnsureRuntime: func(context.Context, *lambda.Config) error { return nil }, Logger: slog.New(slog.DiscardHandler),
		})
		f.Open()
		return f, func() {
			f.Close()
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	f, shut := open()
	defer func() { shut() }()
	clients := [2]modelClient{{}, {}}
	m, done := model{}, map[string]int{}
	var history []string
	for i := range *modelSteps {
		if i%100 == 99 {
			shut()
			f, shut = open()
		}
		a, b := draw(r, clients[0], t.Context()), draw(r, clients[1], t.Context())
		var gotA, gotB string
		both := r.IntN(3) == 0
		if both {
			var at sync.WaitGroup
			at.Go(func() { gotA = kindText(a.real(f)) })
			at.Go(func() { gotB = kindText(b.real(f)) })
			at.Wait()
		} else {
			gotA = kindText(a.real(f))
		}
		var possible []model
		history = append(history, fmt.Sprintf("%s -> %q", a.text, gotA))
		if both {
			history = append(history, fmt.Sprintf("  at once: %s -> %q", b.text, gotB))
			possible = explainBoth(m, a, b, gotA, gotB)
		} else if next, ok := explain(m, a, gotA); ok {
			possible = append(possible, next)
		}
		real := observe(t, f, packages)
		agrees := slices.ContainsFunc(possible, func(next model) bool {
			for name, mf := range next {
				if mf.revision == "?" && real[name] != nil {
					mf.revision = real[name].revision
				}
			}
			return reflect.DeepEqual(next, real)
		})
		if !agrees || t.Failed() {
			t.Fatalf("step %d: there is %s\nbefore   %s\npossible %s\n%s", i, real, m, possible, strings.Join(history[max(0, len(history)-12):], "\n"))
		}
		m = real
		done[cmp.Or(gotA, "ok")]++
		for _, c := range clients { // sometimes a client looks
			for name, mf := range m {
				if r.IntN(3) == 0 {
					c[name] = mf.revision
				}
			}
		}
	}
	t.Logf("outcomes: %v", done)
	for _, want := range []string{"ok", notFound, conflict, precondition} {
		if done[want] == 0 {
			t.Errorf("no step ended with %q", want)
		}
	}
}

// explain returns the model after a step with that outcome; false if the model has another.
func explain(m model, s step, got string) (model, bool) {
	next := m.clone()
	if got == "busy" { // refused because something is under way: nothing happened
		return next, true
	}
	if s.model(next) != got {
		return next, false
	}
	if got != "" {
		return m.clone(), true
	}
	return next, true
}

// explainBoth is explain for two steps at once: the models after either order that has these outcomes.
func explainBoth(m model, a, b step, gotA, gotB string) (possible []model) {
	try := func(first, second step, gotFirst, gotSecond string) {
		if next, ok := explain(m, first, gotFirst); ok {
			if next, ok = explain(next, second, gotSecond); ok {
				possible = append(possible, next)
			}
		}
	}
	try(a, b, gotA, gotB)
	try(b, a, gotB, gotA)
	return possible
}

func (m model) String() string {
	var b strings.Builder
	for _, name := range slices.Sorted(maps.Keys(m)) {
		fmt.Fprintf(&b, "%s %+v; ", name, *m[name])
	}
	return b.String()
}
