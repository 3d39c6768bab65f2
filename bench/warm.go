package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"thaw.dev/thaw/lambda"
)

// warmFlags are those of a server that keeps the environments of a measurement warm, and prepares nothing else.
func warmFlags() []string {
	return append(slots(0, 0), noSlots, "--keep-alive=1h", "--keep-alive-min=1h")
}

// budgetFor is the flag of a memory budget for n environments of memoryMB. What they reserve is far more than what they
// use.
func budgetFor(n, memoryMB int) string {
	return fmt.Sprintf("--memory-budget=%dMiB", n*(memoryMB+lambda.MinMemoryMB)+4096)
}

// Warm measures invocations that find an initialised environment.
func Warm(ctx context.Context, o WarmOptions) (_ *Report, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, append(warmFlags(), budgetFor(o.Concurrency, lambda.MemoryMBPerCPU))...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	hello := target{function: "hello"}
	f, _, err := d.hello(ctx, &o.Setup, hello.function, o.Runtime)
	if err != nil {
		return nil, err
	}
	plain, err := openPlainServer(ctx, f.child)
	if err != nil {
		return nil, fmt.Errorf("baseline: %w", err)
	}
	defer func() { err = errors.Join(err, plain.close()) }()
	transport := &http.Transport{DisableCompression: true}
	defer transport.CloseIdleConnections()
	caller := &http.Client{Transport: transport}

	o.step("take %d samples", o.N)
	skip := min(max(20, o.N/10), 500)
	r := newReport("warm", &o.Setup, f.runtime.Name, "net/http with a pre-forked child")
	for i := range skip + o.N {
		took, t, err := d.invoke(ctx, hello)
		if err != nil {
			return nil, err
		}
		begin := time.Now()
		if err := plain.call(ctx, caller); err != nil {
			return nil, fmt.Errorf("baseline: %w", err)
		}
		base := time.Since(begin)
		if i < skip {
			continue
		}
		if err := t.warm(); err != nil {
			return nil, fmt.Errorf("sample %d: %w", i-skip+1, err)
		}
		r.add(took, base, t)
	}
	o.step("measure the rate of %d clients", o.Concurrency)
	// Each client finds its own environment only after all have been asking at once.
	if _, err := d.rate(ctx, hello, o.Concurrency, skip*o.Concurrency); err != nil {
		return nil, err
	}
	r.Clients = o.Concurrency
	rps, err := d.rate(ctx, hello, o.Concurrency, o.N)
	if err != nil {
		return nil, err
	}
	r.RPS = round(rps)
	return r.finish(), nil
}
