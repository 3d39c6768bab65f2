package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"thaw.dev/thaw/pool"
)

// RestoreReport is the result of Restore. Its JSON form is stable.
type RestoreReport struct {
	Name    string       `json:"name"` // "restore"
	Engine  string       `json:"engine"`
	Runtime string       `json:"runtime"`
	Waiting RestoreStart `json:"waiting"` // restored into a waiting slot
	Nothing RestoreStart `json:"nothing"` // the sandbox created first
	Ratio   float64      `json:"ratio"`   // of the medians of the whole first response, waiting ÷ nothing
	Machine
}

// RestoreStart is one way of starting from a snapshot.
type RestoreStart struct {
	Latency
	Phases Phases `json:"phases"` // medians
}

// restoreWork is the init work behind the snapshots that Restore measures: next to none, so that its heap is small.
const restoreWork = 10 * time.Millisecond

// Restore measures what a waiting slot is worth to a start from a function's snapshot: two servers, one with empty slots
// and one without, start the same function in turns.
func Restore(ctx context.Context, o RestoreOptions) (_ *RestoreReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &RestoreReport{Name: "restore", Engine: o.Engine}
	sides := []*restoreSide{{kind: pool.SourceEmpty}, {kind: pool.SourceNone}}
	for _, s := range sides {
		o.step("start a server with slots of kind %s", s.kind)
		memory := anySlots
		if s.kind == pool.SourceNone {
			memory = noSlots
		}
		if s.server, err = startServer(ctx, &o.Setup, append(slots(noHot, stock.of(&o.Setup)), memory, "--keep-alive=0s")...); err != nil {
			return nil, err
		}
		defer func() { err = errors.Join(err, s.stop()) }()
		found, err := s.runtime(ctx, &o.Setup, o.Runtime)
		if err != nil {
			return nil, err
		}
		r.Runtime = found.Name
		if s.to, err = s.working(ctx, &o.Setup, found.Name, restoreWork); err != nil {
			return nil, err
		}
		if _, _, err := s.invoke(ctx, s.to); err != nil { // it asks for a slot
			return nil, err
		}
	}
	r.Machine = o.machine()
	o.step("take %d samples of each", o.N)
	skip := min(coldSkip.of(&o.Setup), o.N)
	for i := range skip + o.N {
		for _, s := range sides {
			if err := s.sample(ctx, r.Runtime, i >= skip); err != nil {
				return nil, fmt.Errorf("sample %d with slots of kind %s: %w", i-skip+1, s.kind, err)
			}
		}
	}
	r.Waiting, r.Nothing = sides[0].result(), sides[1].result()
	r.Ratio = ratio(r.Waiting.P50, r.Nothing.P50)
	return r, nil
}

// restoreSide is one of the two servers.
type restoreSide struct {
	*server
	kind   Source // of the slots: empty or none
	to     target
	took   samples
	phases []Phases
}

// sample starts the function once, and checks that it took a waiting slot, or that there was none.
func (s *restoreSide) sample(ctx context.Context, runtime string, keep bool) error {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	if err := s.settled(ctx, s.kind, runtime); err != nil {
		return err
	}
	before, err := s.status(ctx)
	if err != nil {
		return err
	}
	took, t, err := s.invoke(ctx, s.to)
	if err == nil {
		err = t.coldFrom(pool.SourceSnapshot)
	}
	if err != nil {
		return err
	}
	after, err := s.status(ctx)
	if err != nil {
		return err
	}
	if err := tookSlots(before, after, s.kind == pool.SourceEmpty); err != nil || !keep {
		return err
	}
	s.took.add(took)
	s.phases = append(s.phases, t.Phases)
	return nil
}

// tookSlots returns an error unless one empty slot was taken between before and after if want, else none.
func tookSlots(before, after *pool.Status, want bool) error {
	was, _ := counts(before, pool.SourceEmpty)
	is, _ := counts(after, pool.SourceEmpty)
	expected := int64(0)
	if want {
		expected = 1
	}
	if is-was != expected {
		return fmt.Errorf("%d empty slots were taken, want %d", is-was, expected)
	}
	return nil
}

func (s *restoreSide) result() RestoreStart {
	return RestoreStart{Latency: s.took.latency(), Phases: medians(s.phases)}
}

// WriteTable writes r for people.
func (r *RestoreReport) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "starts from a snapshot, %d samples of each, %s %s\n\n", r.Waiting.N, r.Runtime, r.where(r.Engine))
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "ms\tp50\tp90\tp99\tplace\tinit\t")
	for _, row := range []struct {
		name string
		RestoreStart
	}{{"waiting slot", r.Waiting}, {"from nothing", r.Nothing}} {
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.2f\t%.2f\t%.2f\t\n", row.name, row.P50, row.P90, row.P99, row.Phases.Place, row.Phases.Init)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	_, err := fmt.Fprintf(w, "\nratio of the medians: %.3f\n", r.Ratio)
	return err
}
