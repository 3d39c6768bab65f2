package bench

import (
	"context"
	"errors"
	"fmt"
	"io"

	"thaw.dev/thaw/lambda"
)

// HeteroReport is the result of Hetero. Its JSON form is stable.
type HeteroReport struct {
	Name      string  `json:"name"` // "hetero"
	Engine    string  `json:"engine"`
	Runtime   string  `json:"runtime"`
	Functions int     `json:"functions"`
	One       Latency `json:"one"`    // warm invocations of one function
	Many      Latency `json:"many"`   // warm invocations of Functions functions in turns
	Ratio     float64 `json:"ratio"`  // of the medians, Many ÷ One
	Thawed    int     `json:"thawed"` // of Many, how many found their environment frozen
	Machine
}

// Hetero measures whether many functions are as fast as one: warm invocations of one function and of many others, in
// turns. Every environment is initialised before.
func Hetero(ctx context.Context, o HeteroOptions) (_ *HeteroReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, append(warmFlags(), budgetFor(o.Functions+1, lambda.MemoryMBPerCPU))...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	one := target{function: "one"}
	f, dep, err := d.hello(ctx, &o.Setup, one.function, o.Runtime)
	if err != nil {
		return nil, err
	}
	o.step("deploy %d functions and start them", o.Functions)
	many := numbered("many", 0, o.Functions)
	if err := d.createAll(ctx, many, f.variants(dep)); err != nil {
		return nil, err
	}
	const warmUps = 5
	for range warmUps {
		for _, name := range many {
			if _, _, err := d.invoke(ctx, target{function: name}); err != nil {
				return nil, err
			}
			if _, _, err := d.invoke(ctx, one); err != nil {
				return nil, err
			}
		}
	}
	o.step("take %d samples of each", o.N)
	r := &HeteroReport{Name: "hetero", Engine: o.Engine, Runtime: dep.runtime, Functions: o.Functions, Machine: o.machine()}
	var ofOne, ofMany samples
	for i := range o.N {
		t, err := d.warmSample(ctx, one, &ofOne)
		if err == nil {
			t, err = d.warmSample(ctx, target{function: many[i%len(many)]}, &ofMany)
		}
		if err != nil {
			return nil, fmt.Errorf("sample %d: %w", i+1, err)
		}
		if t.Thaw > 0 {
			r.Thawed++
		}
	}
	r.One, r.Many = ofOne.latency(), ofMany.latency()
	r.Ratio = ratio(r.Many.P50, r.One.P50)
	return r, nil
}

// warmSample invokes a function whose environment must be there.
func (d *server) warmSample(ctx context.Context, to target, into *samples) (timing, error) {
	took, t, err := d.invoke(ctx, to)
	if err == nil {
		err = t.warm()
	}
	if err == nil {
		into.add(took)
	}
	return t, err
}

// variants describe functions as like as dep, each with code of its own.
func (f *function) variants(dep deployment) func(string) (deployment, error) {
	return func(name string) (_ deployment, err error) {
		own := dep
		own.zip, err = f.variant(name)
		return own, err
	}
}

// WriteTable writes r for people.
func (r *HeteroReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "warm invocations of different functions, %s %s\n\none function     %s\n%-4d functions   %s\nratio of the medians: %.3f\nfound frozen: %d of %d\n",
		r.Runtime, r.where(r.Engine), r.One, r.Functions, r.Many, r.Ratio, r.Thawed, r.Many.N)
	return err
}
