package store_test

import (
	"bufio"
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// crashDirVariable makes the test binary a process that writes to the store in that directory until it is killed.
const crashDirVariable = "THAW_STORE_CRASH_DIR"

// writeUntilKilled creates, updates, publishes, names and deletes functions, and prints each change once it is acknowledged.
func writeUntilKilled(dir string) {
	functions := openToBeKilled(dir).Functions()
	for i := 0; ; i++ {
		name := "f-" + strconv.Itoa(i)
		f, err := functions.Create(context.Background(), function(account, name))
		if err == nil {
			fmt.Println("created", name, f.Seq)
			f.Config.Description = "updated"
			f, err = functions.Update(context.Background(), f)
		}
		if err == nil {
			fmt.Println("updated", name, f.Seq)
			f.Lineage, f.LastVersion = rand.Text(), 1
			f, _, err = functions.Publish(context.Background(), f, version(&f))
		}
		if err == nil {
			fmt.Println("published", name, f.Seq)
			v, _ := functions.Version(account, name, 1)
			named := *v
			named.ProvisionedAlias = "live"
			f, err = functions.UpdateWith(context.Background(), f.WithAlias(lambda.Alias{Name: "live", Version: "1"}), []store.Version{named})
		}
		if err == nil {
			fmt.Println("named", name, f.Seq)
			if i%3 == 0 {
				if err = functions.Delete(context.Background(), f); err == nil {
					fmt.Println("deleted", name, 0)
				}
			}
		}
		if err != nil {
			fmt.Println("error", err)
			os.Exit(1)
		}
	}
}

// After a kill -9 in the midst of writing, each acknowledged change is there, and the store works.
func TestKilledProcessLosesNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for round := range 3 {
		acknowledged := runUntilKilled(t, dir, 150+37*round)
		started := time.Now()
		// The server warns that it repairs its indexes.
		s, err := store.Open(t.Context(), store.Options{Dir: dir, Logger: testLogger(t, slog.LevelError)})
		if err != nil {
			t.Fatal(err)
		}
		t.Logf("reopened after a kill in %v", time.Since(started))
		for name, seq := range acknowledged.seq {
			f, ok := s.Functions().Get(account, name)
			switch {
			case seq == 0 && ok:
				t.Errorf("%s was deleted and is there", name)
			case seq != 0 && !ok && name != acknowledged.last: // the last one's deletion may have happened, unacknowledged
				t.Errorf("%s is missing", name)
			case ok && f.Seq < seq:
				t.Errorf("%s is in state %d, and state %d was acknowledged", name, f.Seq, seq)
			case ok && f.Seq == seq && name != acknowledged.last && f.Config.Description != "updated":
				t.Errorf("%s has the content of another state", name)
			}
		}
		for _, f := range s.Functions().All() {
			if versions := s.Functions().Versions(account, f.Config.Name); len(versions) != f.LastVersion {
				t.Errorf("%s has %d versions, and its record says %d", f.Config.Name, len(versions), f.LastVersion)
			}
			_, named := f.Alias("live")
			if v, ok := s.Functions().Version(account, f.Config.Name, 1); ok && named != (v.ProvisionedAlias == "live") {
				t.Errorf("%s has an alias: %v, and the record of its version says %q", f.Config.Name, named, v.ProvisionedAlias)
			}
			if err := s.Functions().Delete(t.Context(), *f); err != nil {
				t.Error(err)
			}
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}
}

// openToBeKilled opens the store of a process that a test kills.
func openToBeKilled(dir string) *store.Store {
	s, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		fmt.Println("error", err)
		os.Exit(1)
	}
	return s
}

// readUntilKilled runs the test binary as what variable makes of it in dir, and kills it after n lines. line gets all that it
// printed, those lines included that came before the signal reached it.
func readUntilKilled(t *testing.T, variable, dir string, n int, line func(string)) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), variable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for i := 0; lines.Scan(); i++ {
		line(lines.Text())
		if i == n {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := cmd.Wait(); err == nil || cmd.ProcessState.ExitCode() != -1 {
		t.Fatalf("the writer ended by itself: %v", err)
	}
}

type acknowledged struct {
	seq  map[string]uint64 // by name; 0: deleted
	last string            // the function that was being worked on
}

// runUntilKilled runs the writer, kills it after n acknowledgements, and returns what it acknowledged.
func runUntilKilled(t *testing.T, dir string, n int) acknowledged {
	t.Helper()
	got := acknowledged{seq: map[string]uint64{}}
	readUntilKilled(t, crashDirVariable, dir, n, func(line string) {
		field := strings.Fields(line)
		if len(field) != 3 {
			t.Fatalf("the writer says %q", line)
		}
		seq, err := strconv.ParseUint(field[2], 10, 64)
		if err != nil {
			t.Fatalf("the writer says %q", line)
		}
		got.seq[field[1]], got.last = seq, field[1]
	})
	if len(got.seq) < n/5 {
		t.Fatalf("only %d functions", len(got.seq))
	}
	return got
}
