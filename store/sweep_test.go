package store

import (
	"errors"
	"log/slog"
	"path/filepath"
	"testing"

	"github.com/nats-io/nats.go/jetstream"

	"thaw.dev/thaw/lambda"
)

// A process that dies after it deleted a function's record leaves versions behind. Nobody sees them, also when a function
// of the same name comes, and the next Open removes them.
func TestVersionsOfDeletedFunctions(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s, err := Open(t.Context(), Options{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	config := func(version string) lambda.Config { return lambda.Config{Account: "0", Name: "f", Version: version} }
	publish := func(lineage string) Function {
		t.Helper()
		f, _, err := s.functions.Publish(t.Context(), Function{Config: config("$LATEST"), Lineage: lineage, LastVersion: 1}, Version{Config: config("1"), Lineage: lineage})
		if err != nil {
			t.Fatal(err)
		}
		return f
	}
	f := publish("first")
	if err := s.functions.remove(t.Context(), f.key(), &f.Seq); err != nil {
		t.Fatal(err)
	}
	if got := s.functions.AllVersions(); len(got) != 0 || s.functions.Totals("0") != (Totals{}) {
		t.Errorf("after the function's deletion there are the versions %+v and the totals %+v", got, s.functions.Totals("0"))
	}
	publish("second")
	if got := s.functions.Versions("0", "f"); len(got) != 1 || got[0].Lineage != "second" {
		t.Errorf("versions %+v", got)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}

	if s, err = Open(t.Context(), Options{Dir: dir}); err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if _, err := s.functions.kv.Get(t.Context(), "version.0.f.first.1"); !errors.Is(err, jetstream.ErrKeyNotFound) {
		t.Errorf("the deleted function's version: %v, want ErrKeyNotFound", err)
	}
	if got := s.functions.Versions("0", "f"); len(got) != 1 || got[0].Lineage != "second" || len(s.functions.view.versions) != 1 {
		t.Errorf("versions %+v", got)
	}
}

// A bucket of a release that knew no versions gets what they need, with its records as they are.
func TestBucketOfAnEarlierRelease(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	srv, err := startServer(filepath.Join(dir, "nats"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	conn, js, err := connect(srv, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	kv, err := js.CreateKeyValue(t.Context(), jetstream.KeyValueConfig{Bucket: metaBucket, History: 1, Storage: jetstream.FileStorage, LimitMarkerTTL: markerTTL})
	if err != nil {
		t.Fatal(err)
	}
	want := ofSchema1(goldenFunction())
	if _, err := kv.Create(t.Context(), "fn.000000000000.hello", golden(t, "function-v1.json", nil)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	srv.Shutdown()
	srv.WaitForShutdown()

	for range 2 { // the second time nothing is left to be done
		s, err := Open(t.Context(), Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		f, ok := s.functions.Get("000000000000", "hello")
		if !ok || f.Config.RevisionID != want.Config.RevisionID || f.Tags["team"] != "a" {
			t.Errorf("the function is %+v", f)
		}
		f.Lineage = "QX"
		f.LastVersion++
		v := Version{Config: f.Config, Lineage: "QX"}
		v.Config.Version = []string{"", "1", "2"}[f.LastVersion]
		if _, _, err := s.functions.Publish(t.Context(), f, v); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
