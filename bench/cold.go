package bench

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/pool"
)

// settle is the pause after each cold sample: what remains of it is torn down in the meantime, so that neither the
// baseline nor the next sample pays for it.
const settle = 50 * time.Millisecond

// Cold measures invocations that wait for a new environment.
func Cold(ctx context.Context, o ColdOptions) (_ *Report, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	flags, err := settingsFor(o.From, stock.of(&o.Setup))
	if err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, append(flags, "--keep-alive=0s")...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	f, _, err := d.hello(ctx, &o.Setup, "hello", o.Runtime)
	if err != nil {
		return nil, err
	}
	c := coldRun{server: d, o: &o, f: f, to: target{function: "hello"}}
	if o.From == pool.SourceSnapshot {
		if c.to, err = d.working(ctx, &o.Setup, f.runtime.Name, o.InitTime); err != nil {
			return nil, err
		}
	}
	return c.run(ctx)
}

// working creates the function with init work and a version of it that starts from a snapshot.
func (d *server) working(ctx context.Context, s *Setup, runtime string, work time.Duration) (target, error) {
	archive, err := workingFunction()
	if err != nil {
		return target{}, err
	}
	s.step("deploy a %s function with %s of init work, and make its snapshot", runtime, work)
	return d.publish(ctx, "working", deployment{
		runtime: runtime, handler: "lambda_function.lambda_handler", zip: archive, memoryMB: lambda.MemoryMBPerCPU,
		env: map[string]string{"INIT_SECONDS": strconv.FormatFloat(work.Seconds(), 'f', -1, 64)},
	})
}

// coldRun is one measurement of cold starts.
type coldRun struct {
	*server
	o  *ColdOptions
	f  *function
	to target
}

func (c *coldRun) run(ctx context.Context) (*Report, error) {
	o := c.o
	o.step("take %d samples", o.N)
	skip := min(coldSkip.of(&o.Setup), o.N)
	r := newReport("cold", &o.Setup, c.f.runtime.Name, c.f.bareAs)
	r.From = o.From
	for i := range skip + o.N {
		if err := c.rest(ctx); err != nil {
			return nil, err
		}
		took, t, err := c.invoke(ctx, c.to)
		if err != nil {
			return nil, err
		}
		if err := c.rest(ctx); err != nil {
			return nil, err
		}
		base, err := firstOutput(ctx, c.f.bare)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		if i < skip {
			continue
		}
		if err := t.coldFrom(o.From); err != nil {
			return nil, fmt.Errorf("sample %d: %w", i-skip+1, err)
		}
		r.add(took, base, t)
		if n := i - skip; c.to.qualifier != "" && n%(o.N/initRuns+1) == 0 {
			if err := c.runInit(ctx, r); err != nil {
				return nil, err
			}
		}
	}
	return r.finish(), nil
}

// initRuns is about how often the init is run that a snapshot replaces.
const initRuns = 5

// runInit starts the latest code, of which there is no snapshot.
func (c *coldRun) runInit(ctx context.Context, r *Report) error {
	if err := c.rest(ctx); err != nil {
		return err
	}
	_, t, err := c.invoke(ctx, target{function: c.to.function})
	if err != nil {
		return err
	}
	if t.source == pool.SourceSnapshot || t.Init < millis(c.o.InitTime) {
		return fmt.Errorf("init of the latest code took %.0f ms from %q, want %s of work", t.Init, t.source, c.o.InitTime)
	}
	r.running = append(r.running, t.Init)
	return nil
}

// rest waits until the server has nothing to do: the last environment is gone and what it took is replaced.
func (c *coldRun) rest(ctx context.Context) error {
	if err := pause(ctx, settle); err != nil {
		return err
	}
	kind := c.o.From
	if kind == pool.SourceSnapshot { // restored into an empty slot
		kind = pool.SourceEmpty
	}
	return c.settled(ctx, kind, c.f.runtime.Name)
}
