package store_test

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"

	"thaw.dev/thaw/internal/testenv"
	"thaw.dev/thaw/store"
)

// memoryDirVariable makes the test binary a process that opens the store in that directory and prints its resident
// memory in KiB.
const memoryDirVariable = "THAW_STORE_MEMORY_DIR"

// printMemory is what that process does.
func printMemory(dir string) error {
	s, err := store.Open(context.Background(), store.Options{Dir: dir})
	if err != nil {
		return err
	}
	defer s.Close()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return err
	}
	for line := range strings.Lines(string(status)) {
		if f := strings.Fields(line); f[0] == "VmRSS:" {
			fmt.Println(f[1], s.Functions().Totals(account).Functions)
		}
	}
	return nil
}

// TestMemoryPerFunction proves the promise that a registered function without environments takes at most 16 KB of the
// daemon's memory.
func TestMemoryPerFunction(t *testing.T) {
	testenv.Short(t)
	const n, most = 5000, 16 << 10
	dir := t.TempDir()
	s, err := store.Open(t.Context(), store.Options{Dir: filepath.Join(dir, "full")})
	if err != nil {
		t.Fatal(err)
	}
	const writers = 16 // the server syncs once for those that wait together
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for i := w; i < n; i += writers {
				if _, err := s.Functions().Create(t.Context(), function(account, fmt.Sprintf("f-%05d", i))); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	empty, full := residentKiB(t, filepath.Join(dir, "empty"), 0), residentKiB(t, filepath.Join(dir, "full"), n)
	each := (full - empty) << 10 / n
	t.Logf("%d KiB without functions, %d KiB with %d: %d bytes each", empty, full, n, each)
	if each > most && !raceDetector {
		t.Errorf("a function takes %d bytes, want at most %d", each, most)
	}
}

// residentKiB is the memory of a process that has the store with n functions in dir open.
func residentKiB(t *testing.T, dir string, n int) int {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), memoryDirVariable+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	field := strings.Fields(string(out))
	if len(field) != 2 || field[1] != strconv.Itoa(n) {
		t.Fatalf("the process says %q", out)
	}
	kib, err := strconv.Atoi(field[0])
	if err != nil {
		t.Fatal(err)
	}
	return kib
}
