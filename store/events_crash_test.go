package store_test

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/store"
)

// eventCrashDirVariable makes the test binary a process that queues and finishes events in that directory until it is
// killed.
const eventCrashDirVariable = "THAW_STORE_EVENT_CRASH_DIR"

// queueUntilKilled prints what was acknowledged: "added ID" and "finished ID".
func queueUntilKilled(dir string) {
	s := openToBeKilled(dir)
	var mu sync.Mutex
	tell := func(what, id string) {
		mu.Lock()
		defer mu.Unlock()
		fmt.Println(what, id)
	}
	round := os.Getpid()
	for w := range 8 {
		go func() {
			for i := 0; ; i++ {
				e := queued(i)
				e.ID = fmt.Sprintf("%d-%d-%d", round, w, i)
				key, err := s.Events().Add(context.Background(), e)
				if err != nil {
					tell("error", err.Error())
					os.Exit(1)
				}
				tell("added", e.ID)
				if i%4 == 0 {
					continue
				}
				tell("finishing", e.ID)
				if err := s.Events().Mark(context.Background(), store.Mark{Key: key, Finished: true}); err != nil {
					tell("error", err.Error())
					os.Exit(1)
				}
				tell("finished", e.ID)
			}
		}()
	}
	select {}
}

// After a kill -9 each acknowledged event is there unless it was finished, and what was acknowledged as finished is not.
func TestKilledProcessKeepsItsEvents(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	unfinished, finished := map[string]bool{}, map[string]bool{}
	for round := range 4 {
		n := 0
		readUntilKilled(t, eventCrashDirVariable, dir, 400+173*round, func(line string) {
			n++
			what, id, _ := strings.Cut(line, " ")
			switch what {
			case "added":
				unfinished[id] = true
			case "finishing": // from here on it may be there or not
				delete(unfinished, id)
			case "finished":
				finished[id] = true
			default:
				t.Fatal(line)
			}
		})
		s, err := store.Open(t.Context(), store.Options{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		there := map[string]bool{}
		for _, h := range s.Events().Recovered() {
			there[h.ID] = true
			if finished[h.ID] {
				t.Errorf("%s is back after it was finished", h.ID)
			}
			if e, err := s.Events().Read(t.Context(), h.Key); err != nil || e.ID != h.ID {
				t.Errorf("%s cannot be read: %v", h.ID, err)
			}
		}
		for id := range unfinished {
			if !there[id] {
				t.Errorf("%s was accepted and is lost", id)
			}
		}
		t.Logf("round %d: killed after %d lines; %d events unfinished", round, n, len(there))
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
