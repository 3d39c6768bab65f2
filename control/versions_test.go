package control_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"

	"thaw.dev/thaw/control"
	"thaw.dev/thaw/lambda"
)

// active makes an Active function; for use in a bubble.
func (p *plane) active(t *testing.T, name string) {
	t.Helper()
	p.create(t, input(name))
	synctest.Wait()
	p.slots.Calls()
}

func (p *plane) publish(t *testing.T, name string) *lambda.Config {
	t.Helper()
	c, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: name})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// update changes the configuration and waits until it serves.
func (p *plane) update(t *testing.T, name string, s control.Settings) {
	t.Helper()
	if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: name, Settings: s}); err != nil {
		t.Fatal(err)
	}
	synctest.Wait()
}

// versions lists a function's versions in pages of two.
func (p *plane) versions(t *testing.T, name string) string {
	t.Helper()
	var list []string
	for after, more := "", true; more; {
		var page []*lambda.Config
		var err error
		if page, more, err = p.Versions(account, name, after, 2); err != nil {
			t.Fatal(err)
		}
		for _, c := range page {
			after = c.Version
			list = append(list, after)
		}
	}
	return strings.Join(list, " ")
}

func TestVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		p.active(t, "f")
		before := p.get(t, "f")
		one := p.publish(t, "f")
		wantState(t, one, "Active//Successful/")
		if one.Version != "1" || one.Code != before.Config.Code || one.RevisionID == before.Config.RevisionID {
			t.Errorf("version 1 is %+v", one)
		}
		p.told(t, "expect f:1 128")
		if after := p.get(t, "f"); after.Config.RevisionID != before.Config.RevisionID {
			t.Error("publishing changed $LATEST")
		}
		if again := p.publish(t, "f"); again.Version != "1" || again.RevisionID != one.RevisionID {
			t.Errorf("publishing the same gave %+v", again)
		}

		p.update(t, "f", control.Settings{MemoryMB: ptr(256)})
		p.told(t, "discard f:$LATEST, expect f:$LATEST 256")
		if got, err := p.Resolve(account, "f", "1"); err != nil || got.MemoryMB != 128 || got.Version != "1" {
			t.Errorf("version 1 serves %+v, %v", got, err)
		}
		two := p.publish(t, "f")
		if two.Version != "2" || two.MemoryMB != 256 {
			t.Errorf("version 2 is %+v", two)
		}
		p.update(t, "f", control.Settings{MemoryMB: ptr(128)})
		three, err := p.PublishVersion(t.Context(), control.PublishInput{
			Account: account, Name: "f", Description: ptr("third"), CodeSHA256: ptr(one.Code.Base64()), RevisionID: ptr(p.get(t, "f").Config.RevisionID),
		})
		if err != nil || three.Version != "3" || three.Description != "third" {
			t.Errorf("version 3 is %+v, %v", three, err)
		}
		if again := p.publish(t, "f"); again.Version != "3" || again.Description != "third" {
			t.Errorf("a description of its own made a difference: %+v", again)
		}
		if got := p.versions(t, "f"); got != "$LATEST 1 2 3" {
			t.Errorf("versions %s", got)
		}

		p.slots.Calls()
		if err := p.DeleteVersion(t.Context(), account, "f", "3"); err != nil {
			t.Fatal(err)
		}
		p.told(t, "discard f:3")
		for _, version := range []string{"3", "4", "0", "01", "+1", "prod"} {
			wantError(t, p.DeleteVersion(t.Context(), account, "f", version), lambda.KindNotFound, "Function not found: "+arn+":"+version)
			_, err := p.Resolve(account, "f", version)
			wantError(t, err, lambda.KindNotFound, "Function not found: "+arn+":"+version)
			_, err = p.Get(account, "f", version)
			wantError(t, err, lambda.KindNotFound, "Function not found: "+arn+":"+version)
		}
		if four := p.publish(t, "f"); four.Version != "4" {
			t.Errorf("the number %s was used again", four.Version)
		}
		if u := p.Usage(account); u.Functions != 1 || u.CodeBytes != 4*before.Config.Code.Size {
			t.Errorf("usage %+v", u)
		}
		if !p.HasCode(account, "f", before.Config.Code.SHA256) || p.HasCode(account, "f", "0") || p.HasCode(account, "g", before.Config.Code.SHA256) {
			t.Error("HasCode is wrong")
		}

		p.slots.Calls()
		if err := p.Delete(t.Context(), account, "f"); err != nil {
			t.Fatal(err)
		}
		p.told(t, "discard f")
		_, err = p.Resolve(account, "f", "1")
		wantError(t, err, lambda.KindNotFound, "Function not found")
		p.active(t, "f")
		if got := p.versions(t, "f"); got != "$LATEST" {
			t.Errorf("the new function has the versions %s", got)
		}
	})
}

func TestPublishRefusals(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		gate := make(chan struct{}, 1)
		p.packages.Build = func(context.Context, string) error { <-gate; return nil }
		p.open(t)
		p.create(t, input("f"))
		publish := func(in control.PublishInput) error {
			in.Account, in.Name = account, "f"
			_, err := p.PublishVersion(t.Context(), in)
			return err
		}
		wantError(t, publish(control.PublishInput{}), lambda.KindConflict, "currently in the following state: Pending")
		gate <- struct{}{}
		synctest.Wait()
		wantError(t, publish(control.PublishInput{CodeSHA256: ptr("AAAA")}), lambda.KindInvalid, "CodeSHA256 (AAAA) is different from current CodeSHA256 in $LATEST (")
		wantError(t, publish(control.PublishInput{RevisionID: ptr("x")}), lambda.KindPrecondition, "does not match the latest Revision Id")
		if _, err := p.UpdateConfig(t.Context(), control.UpdateConfigInput{Account: account, Name: "f", Settings: control.Settings{Timeout: ptr(4)}}); err != nil {
			t.Fatal(err)
		}
		wantError(t, publish(control.PublishInput{}), lambda.KindConflict, "An update is in progress")
		gate <- struct{}{}
		synctest.Wait()

		f := p.get(t, "f")
		f.Config.Code.Size = lambda.MaxCodeStorageBytes
		if _, err := p.store.Update(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		wantError(t, publish(control.PublishInput{}), lambda.KindCodeStorage, "Code storage limit exceeded.")
		_, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: "nobody"})
		wantError(t, err, lambda.KindNotFound, "Function not found")
		_, _, err = p.Versions(account, "nobody", "", 1)
		wantError(t, err, lambda.KindNotFound, "Function not found")
	})
}

// Publish with the creation and with new code: the version is prepared like the function.
func TestPublishWithCode(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		var broken error
		p.packages.Build = func(context.Context, string) error { return broken }
		p.open(t)
		in := input("f")
		in.Publish = true
		one := p.create(t, in)
		wantState(t, one, "Pending/Creating//")
		if one.Version != "1" {
			t.Errorf("created %+v", one)
		}
		synctest.Wait()
		got, err := p.Resolve(account, "f", "1")
		if err != nil || got.RevisionID == one.RevisionID {
			t.Fatalf("version 1 serves %+v, %v", got, err)
		}
		update := func(zip string) *lambda.Config {
			t.Helper()
			c, err := p.UpdateCode(t.Context(), control.UpdateCodeInput{Account: account, Name: "f", Zip: []byte(zip), Publish: true})
			if err != nil {
				t.Fatal(err)
			}
			synctest.Wait()
			return c
		}
		if same := update("PK one"); same.Version != "1" {
			t.Errorf("the same code gave version %s", same.Version)
		}
		if two := update("PK two"); two.Version != "2" || two.Code == one.Code {
			t.Errorf("other code gave %+v", two)
		}
		broken = lambda.Errorf(lambda.KindInvalid, "bad zip")
		three := update("PK three")
		f, err := p.Get(account, "f", three.Version)
		if err != nil || f.Serving != nil {
			t.Errorf("%+v, %v", f, err)
		}
		wantState(t, &f.Config, "Failed/InvalidZipFileException//")
		_, err = p.Resolve(account, "f", "3")
		wantError(t, err, lambda.KindConflict, "currently in the following state: Failed")
		broken = nil
		if four := update("PK three"); four.Version != "4" {
			t.Errorf("after a failure version %s was published", four.Version)
		}
		if _, err := p.Resolve(account, "f", "4"); err != nil {
			t.Error(err)
		}
	})
}

// A crash between any two writes leaves nothing half done: the store refuses a write, and the caller tries again.
func TestPublishIsAtomic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane()
		var fail error
		p.store.Fail = func(op string) error {
			if op == "publish" {
				return fail
			}
			return nil
		}
		p.open(t)
		p.active(t, "f")
		fail = errors.New("no quorum")
		if _, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: "f"}); !errors.Is(err, fail) {
			t.Errorf("publish: %v", err)
		}
		in := input("g")
		in.Publish = true
		if _, err := p.Create(t.Context(), in); !errors.Is(err, fail) {
			t.Errorf("create: %v", err)
		}
		fail = nil
		if got := p.versions(t, "f"); got != "$LATEST" {
			t.Errorf("versions %s", got)
		}
		if one := p.publish(t, "f"); one.Version != "1" {
			t.Errorf("version %s", one.Version)
		}
		p.create(t, in)
		synctest.Wait()
	})
}

func TestRacingPublishers(t *testing.T) {
	p := newPlane().open(t)
	p.create(t, input("f"))
	waitActive(t, p, "f")
	results := make(chan string, 8)
	for range cap(results) {
		go func() {
			c, err := p.PublishVersion(t.Context(), control.PublishInput{Account: account, Name: "f"})
			if err != nil {
				results <- err.Error()
				return
			}
			results <- c.Version
		}()
	}
	for range cap(results) {
		if got := <-results; got != "1" {
			t.Errorf("a publisher of the same got %s", got)
		}
	}
}

func TestListAllVersions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPlane().open(t)
		for _, name := range []string{"a", "b", "c"} {
			p.active(t, name)
		}
		for i := range 3 {
			p.update(t, "b", control.Settings{Timeout: ptr(10 + i)})
			p.publish(t, "b")
		}
		want := "a:$LATEST b:$LATEST b:1 b:2 b:3 c:$LATEST"
		for limit := 1; limit < 8; limit++ {
			var list []string
			for name, version, more := "", "", true; more; {
				var page []*lambda.Config
				page, more = p.ListAll(account, name, version, limit)
				if len(page) > limit {
					t.Errorf("a page of %d has %d", limit, len(page))
				}
				for _, c := range page {
					name, version = c.Name, c.Version
					list = append(list, fmt.Sprintf("%s:%s", name, version))
				}
			}
			if got := strings.Join(list, " "); got != want {
				t.Errorf("pages of %d: %s, want %s", limit, got, want)
			}
		}
	})
}
