// Package leakcheck fails a test binary that ends with goroutines still running.
package leakcheck

import (
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Main runs the tests and exits; call it from TestMain. m is the *testing.M, or what does more around it. A goroutine
// counts as leaked when it is not one of the test runner's or the runtime's, its stack mentions none of ignore, and it is
// still there two seconds after the last test.
func Main(m interface{ Run() int }, ignore ...string) {
	code := m.Run()
	if code == 0 {
		deadline := time.Now().Add(2 * time.Second)
		for {
			left := leaked(ignore)
			if len(left) == 0 {
				break
			}
			if time.Now().After(deadline) {
				fmt.Fprintf(os.Stderr, "%d goroutines leaked:\n\n%s\n", len(left), strings.Join(left, "\n\n"))
				code = 1
				break
			}
			time.Sleep(10 * time.Millisecond)
		}
	}
	os.Exit(code)
}

func leaked(ignore []string) []string {
	buf := make([]byte, 4<<20)
	buf = buf[:runtime.Stack(buf, true)]
	var left []string
	for i, stack := range strings.Split(string(buf), "\n\n") {
		if i == 0 || expected(stack, ignore) { // the first is this goroutine
			continue
		}
		left = append(left, stack)
	}
	return left
}

func expected(stack string, ignore []string) bool {
	for _, s := range append([]string{"testing.", "os/signal.", "runtime.goexit0", "created by runtime"}, ignore...) {
		if strings.Contains(stack, s) {
			return true
		}
	}
	return false
}
