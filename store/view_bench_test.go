package store

import (
	"fmt"
	"testing"

	"thaw.dev/thaw/lambda"
)

// full is a view with n functions of account "a".
func full(n int) *view {
	v := newView()
	for i := range n {
		name := fmt.Sprintf("f-%06d", i*7919%n) // in no order; 7919 is prime
		f := &Function{Config: lambda.Config{Account: "a", Name: name}, Seq: uint64(i + 1)}
		v.watch(f.key(), record{seq: f.Seq, function: f})
	}
	return v
}

// BenchmarkList reads one page out of the middle of an account's functions.
func BenchmarkList(b *testing.B) {
	for _, n := range []int{1000, 100_000} {
		v := full(n)
		from := fmt.Sprintf("f-%06d", n/2)
		b.Run(fmt.Sprintf("functions=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if page := v.list("a", from, 51); len(page) != 51 || page[0].Config.Name != from {
					b.Fatal(len(page))
				}
			}
		})
	}
}
