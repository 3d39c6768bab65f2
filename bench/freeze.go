package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"thaw.dev/thaw/pool"
)

// FreezeReport is the result of Freeze. Its JSON form is stable. Every invocation was answered, by the one environment
// that had been there from the beginning.
type FreezeReport struct {
	Name    string  `json:"name"` // "freeze"
	Engine  string  `json:"engine"`
	Runtime string  `json:"runtime"`
	Cycles  int     `json:"cycles"`
	Frozen  Latency `json:"frozen"` // invocations that found the environment frozen
	Never   Latency `json:"never"`  // the same, in turns, on a server that never freezes
	Thaw    Latency `json:"thaw"`   // what the server says the thawing took
	Ratio   float64 `json:"ratio"`  // of the medians, Frozen ÷ Never
	Machine
}

// freezeFlags are those of the server that freezes as soon as it can, and of the one that never does.
var freezeFlags = [2]string{"--freeze-after=1ms", "--freeze-after=-1s"}

// Freeze freezes an environment again and again and invokes the function each time, which thaws it.
func Freeze(ctx context.Context, o FreezeOptions) (_ *FreezeReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server that freezes and one that does not")
	var servers [2]*server
	r := &FreezeReport{Name: "freeze", Engine: o.Engine, Cycles: o.N}
	hello := target{function: "hello"}
	for i, flag := range freezeFlags {
		d, startErr := startServer(ctx, &o.Setup, append(warmFlags(), flag)...)
		if startErr != nil {
			return nil, startErr
		}
		defer func() { err = errors.Join(err, d.stop()) }()
		_, dep, err := d.hello(ctx, &o.Setup, hello.function, o.Runtime)
		if err != nil {
			return nil, err
		}
		servers[i], r.Runtime = d, dep.runtime
	}
	r.Machine = o.machine()
	o.step("%d cycles", o.N)
	skip := min(20, o.N)
	var frozen, never, thaws samples
	environment := ""
	for i := range skip + o.N {
		id, err := servers[0].awaitFrozen(ctx)
		if err != nil {
			return nil, fmt.Errorf("cycle %d: %w", i+1, err)
		}
		if i == 0 {
			environment = id
		}
		if id != environment {
			return nil, fmt.Errorf("cycle %d: environment %s was lost, there is %s", i+1, environment, id)
		}
		if i == skip {
			frozen, never, thaws = nil, nil, nil
		}
		t, err := servers[0].warmSample(ctx, hello, &frozen)
		if err == nil && t.Thaw == 0 {
			err = errors.New("the environment was not frozen")
		}
		if err == nil {
			thaws = append(thaws, t.Thaw)
			_, err = servers[1].warmSample(ctx, hello, &never)
		}
		if err != nil {
			return nil, fmt.Errorf("cycle %d: %w", i+1, err)
		}
	}
	r.Frozen, r.Never, r.Thaw = frozen.latency(), never.latency(), thaws.latency()
	r.Ratio = ratio(r.Frozen.P50, r.Never.P50)
	return r, nil
}

// awaitFrozen waits until the server's only environment is frozen, and returns its id.
func (d *server) awaitFrozen(ctx context.Context) (string, error) {
	s, err := d.wait(ctx, statusPoll, func(s *pool.Status) error { return allFrozen(s, 1) })
	if err != nil {
		return "", err
	}
	return s.Environments[0].ID, nil
}

// allFrozen returns an error unless there are n environments and all are frozen.
func allFrozen(s *pool.Status, n int) error {
	if len(s.Environments) != n {
		return fmt.Errorf("there are %d environments, want %d", len(s.Environments), n)
	}
	for _, e := range s.Environments {
		if e.State != pool.StateFrozen {
			return fmt.Errorf("environment %s of %s is %s, want it frozen", e.ID, e.Function, e.State)
		}
	}
	return nil
}

// WriteTable writes r for people.
func (r *FreezeReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "%d cycles of freezing and thawing, none lost, %s %s\n\nfound frozen    %s\nnever frozen    %s\nthawing alone   %s\nratio of the medians: %.3f\n",
		r.Cycles, r.Runtime, r.where(r.Engine), r.Frozen, r.Never, r.Thaw, r.Ratio)
	return err
}
