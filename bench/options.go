package bench

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"time"

	"thaw.dev/thaw/pool"
)

// ErrUnavailable is returned when this host lacks what the chosen runtime needs; the text says what.
var ErrUnavailable = errors.New("runtime is not available on this host")

// ErrNotStarted is returned when the server under test does not start; the text says why.
var ErrNotStarted = errors.New("the server did not start")

// Setup is what every measurement needs to know.
type Setup struct {
	// Thaw is the program that is started as `thaw serve`.
	Thaw string
	// Engine is the server's engine, as in node.Config.
	Engine string
	// Progress is told what is being done; nil means nobody listens.
	Progress func(step string)

	monitor, accelerator string // of the last server; see Machine
	emulated             bool   // the engine's machines will be; see look
	fewer                bool   // a count that was not given is smaller because of that
}

// machine is what was measured, and on what.
func (s *Setup) machine() Machine {
	m := thisMachine()
	m.Monitor, m.Accelerator, m.Emulated, m.Fewer = s.monitor, s.accelerator, pool.EngineStatus{Accelerator: s.accelerator}.Emulated(), s.fewer
	return m
}

func (s *Setup) step(format string, args ...any) {
	if s.Progress != nil {
		s.Progress(fmt.Sprintf(format, args...))
	}
}

// bounds of what can be asked for, so that a slip of the finger does not take the machine down.
const (
	maxSamples      = 1_000_000
	maxFunctions    = 1_000_000
	maxEnvironments = 1000
	maxSeconds      = 600
)

// within returns an error unless n is between 1 and most.
func within(what string, n, most int) error {
	if n < 1 || n > most {
		return fmt.Errorf("%d %s: want 1 to %d", n, what, most)
	}
	return nil
}

// WarmOptions say what Warm measures.
type WarmOptions struct {
	Setup
	// Runtime is a family (python, nodejs, provided), of which the newest installed version is taken, or a runtime's
	// name. provided needs the go command, which builds the function.
	Runtime string
	// N is the number of samples, up to 1,000,000. 0 means WarmSamples.
	N int
	// Concurrency is the number of clients whose rate is measured after the samples. Zero means one per CPU.
	Concurrency int
}

func (o *WarmOptions) check() error {
	o.orUsual(&o.N, WarmSamples)
	if o.Concurrency == 0 {
		o.Concurrency = runtime.NumCPU()
	}
	return errors.Join(within("samples", o.N, maxSamples), within("clients", o.Concurrency, maxEnvironments))
}

// ColdOptions say what Cold measures.
type ColdOptions struct {
	Setup
	// Runtime is as in WarmOptions. From a snapshot it is a Python.
	Runtime string
	// From is what every cold start must begin with. The server is set up so that it does, and each sample is checked.
	From Source
	// N is the number of samples, up to 1,000,000. 0 means ColdSamples.
	N int
	// InitTime is how long the init work of the function takes that is measured from a snapshot. Other sources have
	// a function without such work. 0 means 2 s; at most 9 s, because Lambda ends an init phase after 10 s.
	InitTime time.Duration
}

const (
	defaultInitTime = 2 * time.Second
	maxInitTime     = 9 * time.Second
)

func (o *ColdOptions) check() error {
	o.orUsual(&o.N, ColdSamples)
	if o.InitTime == 0 {
		o.InitTime = defaultInitTime
	}
	if o.InitTime < 0 || o.InitTime > maxInitTime {
		return fmt.Errorf("init work of %s: want at most %s", o.InitTime, maxInitTime)
	}
	if _, err := settingsFor(o.From, 0); err != nil {
		return err
	}
	return within("samples", o.N, maxSamples)
}

// RestoreOptions say what Restore measures.
type RestoreOptions struct {
	Setup
	// Runtime is as in WarmOptions; it must be one that snapshots are offered for.
	Runtime string
	// N is the number of samples of each kind, up to 1,000,000. 0 means RestoreSamples.
	N int
}

func (o *RestoreOptions) check() error {
	o.orUsual(&o.N, RestoreSamples)
	return within("samples", o.N, maxSamples)
}

// BurstOptions say what Burst measures.
type BurstOptions struct {
	Setup
	// Runtime is as in WarmOptions.
	Runtime string
	// Width is how many requests come at once, up to 1,000. 0 means BurstWidth.
	Width int
	// Rounds is how many bursts of each kind there are, up to 1,000. Each has functions of its own. 0 means BurstRounds.
	Rounds int
}

func (o *BurstOptions) check() error {
	o.orUsual(&o.Width, BurstWidth)
	o.orUsual(&o.Rounds, BurstRounds)
	return errors.Join(within("requests at once", o.Width, maxEnvironments), within("rounds", o.Rounds, 1000))
}

// HeteroOptions say what Hetero measures.
type HeteroOptions struct {
	Setup
	// Runtime is as in WarmOptions.
	Runtime string
	// Functions is the number of different functions, up to 1,000. Each has an environment with 50 MB or more of real
	// memory. 0 means HeteroFunctions.
	Functions int
	// N is the number of samples of each kind, up to 1,000,000. 0 means HeteroSamples.
	N int
}

func (o *HeteroOptions) check() error {
	o.orUsual(&o.Functions, HeteroFunctions)
	o.orUsual(&o.N, HeteroSamples)
	return errors.Join(within("functions", o.Functions, maxEnvironments), within("samples", o.N, maxSamples))
}

// FreezeOptions say what Freeze measures.
type FreezeOptions struct {
	Setup
	// Runtime is as in WarmOptions.
	Runtime string
	// N is the number of cycles, up to 1,000,000. 0 means FreezeCycles.
	N int
}

func (o *FreezeOptions) check() error {
	o.orUsual(&o.N, FreezeCycles)
	return within("cycles", o.N, maxSamples)
}

// DensityOptions say what Density measures.
type DensityOptions struct {
	Setup
	// Runtimes are as in WarmOptions.Runtime; at least one.
	Runtimes []string
	// Environments is how many environments, and how many slots of each kind, are counted together, up to 1,000. 0 means
	// DensityEnvironments.
	Environments int
}

func (o *DensityOptions) check() error {
	o.orUsual(&o.Environments, DensityEnvironments)
	if len(o.Runtimes) == 0 {
		return errors.New("no runtimes to measure")
	}
	return within("environments", o.Environments, maxEnvironments)
}

// RSSOptions say what RSS measures.
type RSSOptions struct {
	Setup
	// N is the number of functions, up to 1,000,000. 0 means RSSFunctions.
	N int
	// Settle is how long the server is left alone before its memory is read, at most ten minutes.
	Settle time.Duration
}

func (o *RSSOptions) check() error {
	o.orUsual(&o.N, RSSFunctions)
	if o.Settle < 0 || o.Settle > maxSeconds*time.Second {
		return fmt.Errorf("settle for %s: want 0 to %d seconds", o.Settle, maxSeconds)
	}
	return within("functions", o.N, maxFunctions)
}

// pause waits for d or the end of ctx.
func pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}
