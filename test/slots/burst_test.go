package slots_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"thaw.dev/thaw/client"
	"thaw.dev/thaw/internal/thawtest"
	"thaw.dev/thaw/node"
)

// burst sends one event to each of the functions at once. Every answer must be good.
func burst(t *testing.T, s *thawtest.Server, functions []string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), s.Allow(2*time.Minute))
	defer cancel()
	var all sync.WaitGroup
	for _, name := range functions {
		all.Go(func() {
			out, err := s.Invoke(ctx, client.InvokeInput{Function: name, Payload: []byte(`{"n":1}`)})
			if err != nil || string(out.Payload) != "2" {
				t.Errorf("%s: %s, %v", name, out.Payload, err)
			}
		})
	}
	all.Wait()
	if status := s.Status(); status.ReservedBytes > status.BudgetBytes {
		t.Errorf("%d bytes reserved of %d", status.ReservedBytes, status.BudgetBytes)
	}
}

func TestBurstToOneFunction(t *testing.T) {
	s := thawtest.Start(t, nil)
	name := s.Deploy(t, hello(thawtest.Python(t)))
	functions := make([]string, s.Fewer(200))
	for i := range functions {
		functions[i] = name
	}
	burst(t, s, functions)
}

func TestBurstToManyFunctions(t *testing.T) {
	const each, room = (128 + 24) << 20, 30 // of 100: the others need what is evicted for them
	s := thawtest.Start(t, func(c *node.Config) { c.MemoryBudget = room * each })
	runtime := thawtest.Python(t)
	var functions []string
	for i := range s.Fewer(100) {
		t.Run(fmt.Sprint(i), func(t *testing.T) { functions = append(functions, s.Deploy(t, hello(runtime))) })
	}
	burst(t, s, functions)
}
