package invoke_test

import (
	"testing"
	"time"

	"thaw.dev/thaw/invoke"
	"thaw.dev/thaw/lambda"
)

// begin counts how many of n requests at one moment are admitted, each of which has ended before the next, and returns the
// reason why the last of them was not.
func begin(t *testing.T, a invoke.Admission, name string, after time.Duration, n int) (admitted int, reason string) {
	t.Helper()
	for range n {
		p, err := a.EnterAt(t.Context(), &lambda.Config{Account: "0", Name: name, Version: "1"}, after)
		if reason = reasonOf(err); err == nil {
			admitted++
			a.Leave(&p)
		}
	}
	return admitted, reason
}

// TestRequestsPerSecond: ten for each invocation that may run at once, after a burst of as many as a second allows.
func TestRequestsPerSecond(t *testing.T) {
	t.Parallel()
	type try struct {
		name     string
		after    time.Duration
		n, admit int
	}
	const reserved, unreserved = "ReservedFunctionInvocationRateLimitExceeded", "FunctionInvocationRateLimitExceeded"
	for name, c := range map[string]struct {
		share  fixed
		reason string
		tries  []try
	}{
		"reserved": {fixed{Reserved: 2, Unreserved: 1000}, reserved, []try{
			{"f", 0, 30, 20}, {"f", 40 * time.Millisecond, 5, 0}, {"f", 100 * time.Millisecond, 5, 2}, {"f", 10 * time.Second, 50, 20},
		}},
		"each function has its own": {fixed{Reserved: 1}, reserved, []try{{"f", 0, 20, 10}, {"g", 0, 20, 10}, {"f", time.Millisecond, 5, 0}}},
		"unreserved is shared":      {fixed{Reserved: lambda.NoReservation, Unreserved: 3}, unreserved, []try{{"f", 0, 25, 25}, {"g", 0, 25, 5}, {"f", 0, 5, 0}, {"f", time.Second, 60, 30}}},
		"provisioned comes first":   {fixed{Reserved: lambda.NoReservation, Unreserved: 1, Provisioned: 2}, unreserved, []try{{"f", 0, 50, 30}, {"g", 0, 50, 20}}},
		"only provisioned":          {fixed{Reserved: lambda.NoReservation, Provisioned: 1}, unreserved, []try{{"f", 0, 15, 10}, {"f", 100 * time.Millisecond, 5, 1}}},
		"the default":               {fixed{Reserved: lambda.NoReservation, Unreserved: 1000}, unreserved, []try{{"f", 0, 11_000, 10_000}}},
	} {
		a := invoke.NewAdmission(c.share)
		for _, try := range c.tries {
			admitted, reason := begin(t, a, try.name, try.after, try.n)
			if admitted != try.admit || admitted < try.n && reason != c.reason {
				t.Errorf("%s: %+v: %d were admitted, then %s", name, try, admitted, reason)
			}
		}
		if err := a.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestQueuedHaveNoRate: Lambda bounds the rate of synchronous invocations only.
func TestQueuedHaveNoRate(t *testing.T) {
	t.Parallel()
	a := invoke.NewAdmission(fixed{Reserved: 1})
	for range 1000 {
		p, err := a.Enter(t.Context(), &lambda.Config{Account: "0", Name: "f", Version: "1"})
		if err != nil {
			t.Fatal(err)
		}
		a.Leave(&p)
	}
	if n, _ := begin(t, a, "f", 0, 20); n != 10 {
		t.Errorf("then %d requests were admitted", n)
	}
}

// TestManyFunctionsKeepTheirRates: those that owe something are not forgotten, the others are.
func TestManyFunctionsKeepTheirRates(t *testing.T) {
	t.Parallel()
	a := invoke.NewAdmission(fixed{Reserved: 1})
	begin(t, a, "f", 0, 10)
	for i := range 5000 {
		begin(t, a, string(rune('\U00010000'+i)), time.Duration(i)*time.Microsecond, 1)
	}
	if n, _ := begin(t, a, "f", 10*time.Millisecond, 5); n != 0 {
		t.Errorf("%d were admitted beyond the rate", n)
	}
	for i := range 5000 {
		begin(t, a, string(rune('\U00020000'+i)), time.Hour+time.Duration(i)*time.Second, 1)
	}
	if err := a.Check(); err != nil {
		t.Error(err)
	}
}
