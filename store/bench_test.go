package store_test

import (
	"fmt"
	"strings"
	"testing"

	"thaw.dev/thaw/store"
)

func BenchmarkGet(b *testing.B) {
	s := open(b, b.TempDir())
	fill(b, s, account, 1000)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, ok := s.Functions().Get(account, "f-00500"); !ok {
				b.Fatal("missing")
			}
		}
	})
}

func BenchmarkUpdate(b *testing.B) {
	s := open(b, b.TempDir())
	f, err := s.Functions().Create(b.Context(), function(account, "f"))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if f, err = s.Functions().Update(b.Context(), f); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkOpen(b *testing.B) {
	for _, n := range []int{0, 1000} {
		b.Run(fmt.Sprintf("functions=%d", n), func(b *testing.B) {
			dir := b.TempDir()
			s, err := store.Open(b.Context(), store.Options{Dir: dir})
			if err != nil {
				b.Fatal(err)
			}
			fill(b, s, account, n)
			if err := s.Close(); err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				s, err := store.Open(b.Context(), store.Options{Dir: dir})
				if err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if err := s.Close(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
			}
		})
	}
}

func BenchmarkAppend(b *testing.B) {
	s := open(b, b.TempDir())
	events := []store.LogEvent{
		event(0, "START RequestId: 0d6b3c5e-4a63-4f5e-9f0a-7c1c8e1f2a3b Version: $LATEST"),
		event(1, strings.Repeat("x", 80)),
		event(2, "END RequestId: 0d6b3c5e-4a63-4f5e-9f0a-7c1c8e1f2a3b"),
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		s.Logs().Append(account, group, "stream", events)
		if i%10000 == 9999 { // stay below the queue's bound
			b.StopTimer()
			if err := s.Logs().Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.StartTimer()
		}
	}
}
