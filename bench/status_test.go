package bench

import (
	"errors"
	"testing"

	"thaw.dev/thaw/pool"
)

func TestSettled(t *testing.T) {
	t.Parallel()
	full := pool.StockStatus{Kind: pool.SourceHot, Runtime: "python3.11", Ready: 3, Target: 3}
	filling, short, empty, other := full, full, full, full
	empty.Ready = 0
	filling.Filling = 1
	short.Ready = 2
	other.Runtime = "nodejs20.x"
	frozen := pool.EnvironmentStatus{ID: "e", State: pool.StateFrozen}
	busy, starting := frozen, frozen
	busy.State, starting.State = pool.StateBusy, pool.StateStarting
	for name, c := range map[string]struct {
		status pool.Status
		kind   Source
		want   bool
	}{
		"none of one size":        {pool.Status{Stocks: []pool.StockStatus{full, empty}}, pool.SourceHot, false},
		"nothing, nothing wanted": {pool.Status{}, pool.SourceNone, true},
		"nothing, a slot wanted":  {pool.Status{}, pool.SourceHot, false},
		"full":                    {pool.Status{Stocks: []pool.StockStatus{full}}, pool.SourceHot, true},
		"being filled":            {pool.Status{Stocks: []pool.StockStatus{filling}}, pool.SourceHot, false},
		"fewer than wished":       {pool.Status{Stocks: []pool.StockStatus{short}}, pool.SourceHot, true}, // there may be no memory for more
		"none left":               {pool.Status{Stocks: []pool.StockStatus{empty}}, pool.SourceHot, false},
		"other runtime":           {pool.Status{Stocks: []pool.StockStatus{other}}, pool.SourceHot, false},
		"other kind":              {pool.Status{Stocks: []pool.StockStatus{full}}, pool.SourceEmpty, false},
		"none, others are filled": {pool.Status{Stocks: []pool.StockStatus{filling}}, pool.SourceNone, false},
		"idle environment":        {pool.Status{Environments: []pool.EnvironmentStatus{frozen}}, pool.SourceNone, true},
		"busy environment":        {pool.Status{Environments: []pool.EnvironmentStatus{busy}}, pool.SourceNone, false},
		"starting environment":    {pool.Status{Environments: []pool.EnvironmentStatus{starting}}, pool.SourceNone, false},
	} {
		if err := isSettled(&c.status, c.kind, "python3.11"); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestInARow: one look in between that is not settled starts the count again.
func TestInARow(t *testing.T) {
	t.Parallel()
	var looks []error
	busy := errors.New("busy")
	is := inARow(2, func(*pool.Status) error {
		next := looks[0]
		looks = looks[1:]
		return next
	})
	looks = []error{nil, busy, nil, nil}
	for i, want := range []bool{false, false, false, true} {
		if err := is(nil); (err == nil) != want {
			t.Errorf("look %d: %v", i+1, err)
		}
	}
}

func TestTookSlots(t *testing.T) {
	t.Parallel()
	with := func(taken int64) *pool.Status {
		return &pool.Status{Stocks: []pool.StockStatus{
			{Kind: pool.SourceHot, Taken: 7 * taken}, {Kind: pool.SourceEmpty, Runtime: "a", Taken: taken}, {Kind: pool.SourceEmpty, Runtime: "b", Taken: 5},
		}}
	}
	for _, c := range []struct {
		before, after int64
		want, ok      bool
	}{{3, 4, true, true}, {3, 3, true, false}, {3, 5, true, false}, {3, 3, false, true}, {3, 4, false, false}} {
		if err := tookSlots(with(c.before), with(c.after), c.want); (err == nil) != c.ok {
			t.Errorf("%+v: %v", c, err)
		}
	}
}

func TestHolds(t *testing.T) {
	t.Parallel()
	frozen := pool.EnvironmentStatus{State: pool.StateFrozen}
	idle := pool.EnvironmentStatus{State: pool.StateIdle}
	hot := pool.StockStatus{Kind: pool.SourceHot, Runtime: "python3.11", Ready: 2, Target: 2}
	for name, c := range map[string]struct {
		status pool.Status
		kind   DensityKind
		want   bool
	}{
		"two frozen":         {pool.Status{Environments: []pool.EnvironmentStatus{frozen, frozen}}, DensityFrozen, true},
		"one frozen":         {pool.Status{Environments: []pool.EnvironmentStatus{frozen}}, DensityFrozen, false},
		"one of two frozen":  {pool.Status{Environments: []pool.EnvironmentStatus{frozen, idle}}, DensityFrozen, false},
		"two hot":            {pool.Status{Stocks: []pool.StockStatus{hot}}, DensityHot, true},
		"hot, want empty":    {pool.Status{Stocks: []pool.StockStatus{hot}}, DensityEmpty, false},
		"hot and one empty":  {pool.Status{Stocks: []pool.StockStatus{hot, {Kind: pool.SourceEmpty, Ready: 1}}}, DensityHot, false},
		"hot, no empty":      {pool.Status{Stocks: []pool.StockStatus{{Kind: pool.SourceEmpty}, hot}}, DensityHot, true},
		"and an environment": {pool.Status{Stocks: []pool.StockStatus{hot}, Environments: []pool.EnvironmentStatus{idle}}, DensityHot, false},
	} {
		if err := holds(&c.status, c.kind, "python3.11", 2); (err == nil) != c.want {
			t.Errorf("%s: %v", name, err)
		}
	}
}
