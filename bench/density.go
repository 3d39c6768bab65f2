package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// DensityReport is the result of Density. Its JSON form is stable.
type DensityReport struct {
	Name         string         `json:"name"` // "density"
	Engine       string         `json:"engine"`
	Environments int            `json:"environments"` // of each kind that were counted together
	Counts       []DensityCount `json:"counts"`
	Machine
}

// DensityKind is what memory is counted of.
type DensityKind string

// Kinds of memory.
const (
	DensityFrozen DensityKind = "frozen" // environments that were invoked and are frozen
	DensityHot    DensityKind = "hot"    // hot slots
	DensityEmpty  DensityKind = "empty"  // empty slots
)

// DensityCount is the memory of one environment or slot, on the average of those that were counted together. A MB is
// 10^6 bytes.
type DensityCount struct {
	Kind      DensityKind `json:"kind"`
	Runtime   string      `json:"runtime"`
	PSSMB     float64     `json:"pss_mb"`    // proportional set size of the sandbox's processes
	ServerMB  float64     `json:"server_mb"` // by how much the server itself grew
	Processes float64     `json:"processes"`
}

// Density measures the memory of frozen environments, which were hot slots before, and of slots.
func Density(ctx context.Context, o DensityOptions) (*DensityReport, error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	r := &DensityReport{Name: "density", Engine: o.Engine, Environments: o.Environments}
	for _, runtime := range o.Runtimes {
		for _, kind := range []DensityKind{DensityFrozen, DensityHot, DensityEmpty} {
			c, err := countMemory(ctx, &o, kind, runtime)
			if err != nil {
				return nil, fmt.Errorf("memory of %s %s: %w", kind, runtime, err)
			}
			r.Counts = append(r.Counts, c)
		}
	}
	r.Machine = o.machine()
	return r, nil
}

// densityFlags are those of a server that holds n of the kind, and no slots of another kind.
func densityFlags(s *Setup, kind DensityKind, n int) []string {
	budget := budgetFor(n, lambda.MemoryMBPerCPU)
	switch kind {
	case DensityHot:
		return append(slots(n, 0), "--keep-alive=0s", budget, anySlots)
	case DensityEmpty:
		return append(slots(noHot, n), "--keep-alive=0s", budget, anySlots)
	}
	return append(slots(stock.of(s), 0), "--keep-alive=1h", "--keep-alive-min=1h", budget, anySlots, "--freeze-after=10ms")
}

// countMemory counts one kind on a server of its own.
func countMemory(ctx context.Context, o *DensityOptions, kind DensityKind, runtime string) (_ DensityCount, err error) {
	o.step("start a server for %s %s", kind, runtime)
	d, err := startServer(ctx, &o.Setup, densityFlags(&o.Setup, kind, o.Environments)...)
	if err != nil {
		return DensityCount{}, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	before, err := d.memory(every)
	if err != nil {
		return DensityCount{}, err
	}
	f, dep, err := d.describe(ctx, &o.Setup, runtime)
	if err != nil {
		return DensityCount{}, err
	}
	n := o.Environments
	names := numbered("hello", 0, n)
	if kind != DensityFrozen {
		names = names[:1] // that there is a function is enough for slots of its runtime
	}
	if err := d.createAll(ctx, names, f.variants(dep)); err != nil {
		return DensityCount{}, err
	}
	if kind == DensityFrozen {
		// Stocks of this size may be for those who ask only.
		if err := d.asked(ctx, dep); err != nil {
			return DensityCount{}, err
		}
		if err := d.fromHotSlots(ctx, names, dep.runtime); err != nil {
			return DensityCount{}, err
		}
	}
	s, err := d.wait(ctx, 4*statusPoll, inARow(quiet, func(s *pool.Status) error { return holds(s, kind, dep.runtime, n) }))
	if err != nil {
		return DensityCount{}, err
	}
	counted := every
	if kind == DensityFrozen { // there are hot slots, too
		ids := map[string]bool{}
		for _, e := range s.Environments {
			ids[e.ID] = true
		}
		counted = named(ids)
	}
	after, err := d.memory(counted)
	each := func(bytes int64) float64 { return round(float64(bytes) / float64(n) / 1e6) }
	return DensityCount{
		Kind: kind, Runtime: dep.runtime, PSSMB: each(after.children - before.children), ServerMB: each(after.server - before.server),
		Processes: round(float64(after.processes-before.processes) / float64(n)),
	}, err
}

// asked has a slot asked for as functions like dep do, and leaves nothing of the one that did.
func (d *server) asked(ctx context.Context, dep deployment) error {
	const name = "asks"
	if err := d.create(ctx, name, dep); err != nil {
		return err
	}
	_, _, err := d.invoke(ctx, target{function: name})
	return errors.Join(err, d.deleteAll(ctx, []string{name}))
}

// fromHotSlots invokes each function once, when there is a hot slot for it.
func (d *server) fromHotSlots(ctx context.Context, names []string, runtime string) error {
	for _, name := range names {
		if err := d.settled(ctx, pool.SourceHot, runtime); err != nil {
			return err
		}
		_, t, err := d.invoke(ctx, target{function: name})
		if err == nil {
			err = t.coldFrom(pool.SourceHot)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// holds returns an error unless the server holds n of the kind and is done with everything.
func holds(s *pool.Status, kind DensityKind, runtime string, n int) error {
	if kind == DensityFrozen {
		return allFrozen(s, n)
	}
	if len(s.Environments) > 0 {
		return fmt.Errorf("environment %s of %s is still there", s.Environments[0].ID, s.Environments[0].Function)
	}
	found := false
	for _, st := range s.Stocks {
		wanted := st.Kind == Source(kind) && st.Runtime == runtime
		if found = found || wanted && st.Ready == n; !wanted && st.Ready > 0 {
			return fmt.Errorf("there are %d %s slots for %s, too", st.Ready, st.Kind, st.Runtime)
		}
	}
	if !found {
		return fmt.Errorf("the stock does not have %d %s slots for %s", n, kind, runtime)
	}
	return isSettled(s, Source(kind), runtime)
}

// memoryUse is what a server and processes below it use, in bytes.
type memoryUse struct {
	server, children int64
	processes        int
}

// memory counts the sandboxes whose first process keep tells to count.
func (d *server) memory(keep func(int) bool) (m memoryUse, err error) {
	if m.server, err = pss(d.cmd.Process.Pid); err == nil {
		m.children, m.processes, err = childrenPSS(d.cmd.Process.Pid, keep)
	}
	return m, err
}

// WriteTable writes r for people.
func (r *DensityReport) WriteTable(w io.Writer) error {
	fmt.Fprintf(w, "memory, average of %d of each kind %s\n\n", r.Environments, r.where(r.Engine))
	t := tabwriter.NewWriter(w, 0, 8, 3, ' ', 0)
	fmt.Fprintln(t, "kind\truntime\tsandbox (PSS)\tin the server\tprocesses")
	for _, c := range r.Counts {
		fmt.Fprintf(t, "%s\t%s\t%.1f MB\t%.1f MB\t%.1f\n", c.Kind, c.Runtime, c.PSSMB, c.ServerMB, c.Processes)
	}
	return t.Flush()
}
