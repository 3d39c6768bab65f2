package bench

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"thaw.dev/thaw/node"
	"thaw.dev/thaw/pool"
)

// SuiteOptions say what RunSuite measures.
type SuiteOptions struct {
	Setup
	// Out is the directory the report is written to; it is created.
	Out string
	// Quick takes fewer samples.
	Quick bool
}

// Suite is every measurement of one run. Its JSON form is stable; what was not measured is null or empty.
type Suite struct {
	Name     string         `json:"name"` // "report"
	Engine   string         `json:"engine"`
	Quick    bool           `json:"quick"`
	Began    time.Time      `json:"began"`
	Seconds  float64        `json:"seconds"`
	Complete bool           `json:"complete"` // every step was tried
	Steps    []Step         `json:"steps"`
	Targets  []Target       `json:"targets"`
	Warm     []*Report      `json:"warm"`
	Cold     []*Report      `json:"cold"`
	Restore  *RestoreReport `json:"restore"`
	Bursts   []*BurstReport `json:"bursts"`
	Hetero   *HeteroReport  `json:"hetero"`
	Freeze   *FreezeReport  `json:"freeze"`
	Density  *DensityReport `json:"density"`
	Metadata *RSSReport     `json:"metadata"`
	Machine  `json:"machine"`
}

// Step is one measurement of a run.
type Step struct {
	Command string  `json:"command"` // the command that does the same
	Seconds float64 `json:"seconds"`
	Error   string  `json:"error,omitempty"` // why it failed
}

// RunSuite measures everything and writes report.json, report.md and cold.svg into o.Out, anew after each step. A step
// that fails is noted, and the others go on; the error then names it. The end of ctx ends the run.
func RunSuite(ctx context.Context, o SuiteOptions) (*Suite, error) {
	o.look(ctx)
	s := &Suite{Name: "report", Engine: o.Engine, Quick: o.Quick, Began: time.Now().UTC().Truncate(time.Second), Machine: thisMachine()}
	s.Emulated, s.Fewer = o.emulated, o.emulated
	return s, s.run(ctx, &o, suiteSteps(&o))
}

// Commands are the commands that a run of RunSuite amounts to where nothing is emulated, in its order.
func Commands(engine string, quick bool) []string {
	var all []string
	for _, step := range suiteSteps(&SuiteOptions{Setup: Setup{Engine: engine}, Quick: quick}) {
		all = append(all, step.command)
	}
	return all
}

func (s *Suite) run(ctx context.Context, o *SuiteOptions, steps []suiteStep) error {
	if err := s.write(o.Out); err != nil {
		return err
	}
	var failed error
	for i, step := range steps {
		o.step("[%d/%d] %s", i+1, len(steps), step.command)
		begin := time.Now()
		err := step.run(ctx, s)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		done := Step{Command: step.command, Seconds: round(time.Since(begin).Seconds())}
		if err != nil {
			done.Error = err.Error()
			failed = errors.Join(failed, fmt.Errorf("%s: %w", step.command, err))
		}
		s.Steps = append(s.Steps, done)
		s.Seconds = round(time.Since(s.Began).Seconds())
		s.Complete = i == len(steps)-1
		s.learn()
		s.Targets = targetsOf(s)
		if err := s.write(o.Out); err != nil {
			return err
		}
	}
	return failed
}

// learn takes from the measurements what the engine's machines ran on.
func (s *Suite) learn() {
	for _, m := range s.machines() {
		if m.Accelerator != "" {
			s.Monitor, s.Accelerator, s.Emulated = m.Monitor, m.Accelerator, m.Emulated
		}
	}
}

// machines are those of all measurements.
func (s *Suite) machines() []Machine {
	var all []Machine
	for _, r := range slices.Concat(s.Cold, s.Warm) {
		all = append(all, r.Machine)
	}
	for _, r := range s.Bursts {
		all = append(all, r.Machine)
	}
	if s.Restore != nil {
		all = append(all, s.Restore.Machine)
	}
	if s.Hetero != nil {
		all = append(all, s.Hetero.Machine)
	}
	if s.Freeze != nil {
		all = append(all, s.Freeze.Machine)
	}
	if s.Density != nil {
		all = append(all, s.Density.Machine)
	}
	if s.Metadata != nil {
		all = append(all, s.Metadata.Machine)
	}
	return all
}

// suiteStep is one step of a run: it adds its result to the suite.
type suiteStep struct {
	command string
	run     func(context.Context, *Suite) error
}

// suiteSteps are all steps in their order: what matters most comes first.
func suiteSteps(o *SuiteOptions) []suiteStep {
	setup := o.Setup
	setup.Progress = nil // the steps themselves are the progress
	some := func(full, quick Count) int {
		if o.Quick {
			return quick.of(&setup)
		}
		return full.of(&setup)
	}
	var steps []suiteStep
	add := func(run func(context.Context, *Suite) error, command string, args ...any) {
		if o.Engine != node.Default().Engine {
			command += " --engine " + o.Engine
		}
		steps = append(steps, suiteStep{"thaw bench " + fmt.Sprintf(command, args...), run})
	}
	for _, from := range Sources {
		for _, runtime := range []string{"python", "nodejs"} {
			n := some(Count{100, 5}, Count{10, 3})
			if from == pool.SourceSnapshot {
				n = some(Count{30, 5}, Count{5, 2})
				if runtime != "python" {
					continue
				}
			}
			add(func(ctx context.Context, s *Suite) error {
				r, err := Cold(ctx, ColdOptions{Setup: setup, Runtime: runtime, From: from, N: n})
				if err == nil {
					s.Cold = append(s.Cold, r)
				}
				return err
			}, "cold --from %s --runtime %s --n %d", from, runtime, n)
		}
	}
	n := some(Count{30, 5}, Count{5, 2})
	add(func(ctx context.Context, s *Suite) (err error) {
		s.Restore, err = Restore(ctx, RestoreOptions{Setup: setup, Runtime: "python", N: n})
		return err
	}, "restore --runtime python --n %d", n)
	for _, runtime := range []string{"python", "nodejs"} {
		n := some(Count{4000, 300}, Count{500, 100})
		add(func(ctx context.Context, s *Suite) error {
			r, err := Warm(ctx, WarmOptions{Setup: setup, Runtime: runtime, N: n})
			if err == nil {
				s.Warm = append(s.Warm, r)
			}
			return err
		}, "warm --runtime %s --n %d", runtime, n)
	}
	functions, warm := some(Count{100, 8}, Count{20, 4}), some(Count{5000, 200}, Count{500, 50})
	add(func(ctx context.Context, s *Suite) (err error) {
		s.Hetero, err = Hetero(ctx, HeteroOptions{Setup: setup, Runtime: "python", Functions: functions, N: warm})
		return err
	}, "hetero --runtime python --functions %d --n %d", functions, warm)
	for i, width := range []Count{{100, 8}, {200, 16}} {
		if o.Quick && i > 0 {
			break
		}
		width, rounds := width.of(&setup), some(Count{5, 1}, Count{1, 1})
		add(func(ctx context.Context, s *Suite) error {
			r, err := Burst(ctx, BurstOptions{Setup: setup, Runtime: "python", Width: width, Rounds: rounds})
			if r != nil { // also where requests failed
				s.Bursts = append(s.Bursts, r)
			}
			return err
		}, "burst --runtime python --n %d --rounds %d", width, rounds)
	}
	cycles := some(Count{10_000, 100}, Count{200, 20})
	add(func(ctx context.Context, s *Suite) (err error) {
		s.Freeze, err = Freeze(ctx, FreezeOptions{Setup: setup, Runtime: "python", N: cycles})
		return err
	}, "freeze --runtime python --n %d", cycles)
	each := some(Count{20, 2}, Count{5, 2})
	add(func(ctx context.Context, s *Suite) (err error) {
		s.Density, err = Density(ctx, DensityOptions{Setup: setup, Runtimes: []string{"python", "nodejs"}, Environments: each})
		return err
	}, "density --n %d", each)
	registered := some(Count{100_000, 2000}, Count{2000, 500})
	add(func(ctx context.Context, s *Suite) (err error) {
		s.Metadata, err = RSS(ctx, RSSOptions{Setup: setup, N: registered, Settle: suiteSettle})
		return err
	}, "rss --n %d --settle %s", registered, suiteSettle)
	return steps
}

// suiteSettle is how long the server with many functions is left alone before its memory is read.
const suiteSettle = 10 * time.Second
