package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"
)

// Run measures and returns the report.
func Run(ctx context.Context, o Options) (_ *Report, err error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	o.Progress("start a server")
	s, err := openServer(ctx, &o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	o.Progress("deploy a " + s.runtime.Name + " function")
	dir, err := tempDir()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	f, err := newFunction(ctx, dir, s.runtime)
	if err != nil {
		return nil, err
	}
	if err := s.deploy(ctx, f); err != nil {
		return nil, fmt.Errorf("deploy: %w", err)
	}
	if err := s.greets(ctx, o.Engine); err != nil {
		return nil, err
	}
	if o.Kind == Warm {
		return s.warm(ctx, &o, f)
	}
	return s.cold(ctx, &o, f)
}

// greets makes sure that the function does what the baseline does; the fake engine runs no code.
func (s *server) greets(ctx context.Context, engine string) error {
	out, _, err := s.invokeOnce(ctx)
	if err == nil && engine != "fake" && !bytes.Contains(out.Payload, greeting) {
		err = fmt.Errorf("the function answers %q", out.Payload)
	}
	return err
}

// warmUp is how many samples are thrown away before n are taken.
func warmUp(kind Kind, n int) int {
	if kind == Cold {
		return min(3, n)
	}
	return min(max(20, n/10), 500)
}

func (s *server) warm(ctx context.Context, o *Options, f *function) (_ *Report, err error) {
	plain, err := openPlainServer(ctx, f.child)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	caller := &http.Client{Transport: transport}

	o.Progress("warm up")
	skip := warmUp(Warm, o.N)
	r := newReport(o, s.runtime.Name, "net/http with a pre-forked child")
	for i := range skip + o.N {
		if i == skip {
			o.Progress(fmt.Sprintf("take %d samples", o.N))
		}
		begin := time.Now()
		_, phases, err := s.invokeOnce(ctx)
		took := time.Since(begin)
		if err != nil {
			return nil, err
		}
		begin = time.Now()
		if err := plain.call(ctx, caller); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		base := time.Since(begin)
		if i < skip {
			continue
		}
		if phases.cold() {
			return nil, fmt.Errorf("sample %d of %d was a cold start", i-skip+1, o.N)
		}
		r.add(took, base, phases)
	}
	o.Progress(fmt.Sprintf("measure the rate of %d clients", o.Concurrency))
	// Each client finds its own environment only after all have been asking at once.
	if _, err := s.rate(ctx, o.Concurrency, skip*o.Concurrency); err != nil {
		return nil, err
	}
	rps, err := s.rate(ctx, o.Concurrency, o.N)
	if err != nil {
		return nil, err
	}
	return r.finish(rps), nil
}

// settle is the pause after each cold sample: the environment that was just used is torn down in the meantime, so that
// neither the baseline nor the next sample pays for it.
const settle = 50 * time.Millisecond

func (s *server) cold(ctx context.Context, o *Options, f *function) (*Report, error) {
	o.Progress("warm up")
	skip := warmUp(Cold, o.N)
	r := newReport(o, s.runtime.Name, f.bareAs)
	for i := range skip + o.N {
		if i == skip {
			o.Progress(fmt.Sprintf("take %d samples", o.N))
		}
		begin := time.Now()
		_, phases, err := s.invokeOnce(ctx)
		took := time.Since(begin)
		if err != nil {
			return nil, err
		}
		time.Sleep(settle)
		base, err := firstOutput(ctx, f.bare)
		if err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		if i < skip {
			continue
		}
		if !phases.cold() {
			return nil, fmt.Errorf("sample %d of %d was not a cold start", i-skip+1, o.N)
		}
		r.add(took, base, phases)
	}
	if o.Concurrency == 1 {
		return r.finish(1000 / mean(r.thaw)), nil
	}
	o.Progress(fmt.Sprintf("measure the rate of %d clients", o.Concurrency))
	rps, err := s.rate(ctx, o.Concurrency, o.N)
	if err != nil {
		return nil, err
	}
	return r.finish(rps), nil
}
