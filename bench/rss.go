package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"thaw.dev/thaw/lambda"
)

// RSSReport is the result of RSS. Its JSON form is stable. A MB is 10^6 bytes, a KB 10^3.
type RSSReport struct {
	Name          string  `json:"name"` // "rss"
	Engine        string  `json:"engine"`
	N             int     `json:"n"`
	EmptyMB       float64 `json:"empty_mb"`        // VmRSS of an idle server without functions
	RSSMB         float64 `json:"rss_mb"`          // VmRSS of the same server with N functions, idle again
	PerFunctionKB float64 `json:"per_function_kb"` // the difference ÷ N
	CreateSeconds float64 `json:"create_s"`        // from the first CreateFunction until all functions are Active
	Machine
}

// RSS registers functions, each with code of its own, and reads how much memory the server then has resident. No
// function is invoked.
func RSS(ctx context.Context, o RSSOptions) (_ *RSSReport, err error) {
	o.look(ctx)
	if err := o.check(); err != nil {
		return nil, err
	}
	o.step("start a server")
	d, err := startServer(ctx, &o.Setup, slots(0, 0)...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, d.stop()) }()
	r := &RSSReport{Name: "rss", Engine: o.Engine, N: o.N, Machine: o.machine()}
	if r.EmptyMB, err = d.settledRSS(ctx, o.Settle); err != nil {
		return nil, err
	}
	o.step("create %d functions", o.N)
	begin := time.Now()
	if err := d.createAll(ctx, numbered("hello", 0, o.N), scaledToZero); err != nil {
		return nil, err
	}
	r.CreateSeconds = round(time.Since(begin).Seconds())
	o.step("wait until the server is idle")
	if r.RSSMB, err = d.settledRSS(ctx, o.Settle); err != nil {
		return nil, err
	}
	r.PerFunctionKB = round((r.RSSMB - r.EmptyMB) * 1000 / float64(o.N))
	return r, nil
}

// scaledToZero describes a function that nobody invokes.
func scaledToZero(name string) (deployment, error) {
	archive, err := zipOf("bootstrap", fmt.Appendf(nil, "#!/bin/sh\n# %s\n", name), 0o755)
	return deployment{runtime: "provided.al2023", handler: "bootstrap", zip: archive, memoryMB: lambda.DefaultMemoryMB}, err
}

// settledRSS leaves the server alone for a while and reads its resident memory in MB.
func (d *server) settledRSS(ctx context.Context, settle time.Duration) (float64, error) {
	if err := pause(ctx, settle); err != nil {
		return 0, err
	}
	bytes, err := rss(d.cmd.Process.Pid)
	return round(float64(bytes) / 1e6), err
}

// WriteTable writes r for people.
func (r *RSSReport) WriteTable(w io.Writer) error {
	_, err := fmt.Fprintf(w, "memory of an idle daemon %s\n\nno functions        %6.1f MB\n%-6d functions    %6.1f MB\nfor each function   %6.1f KB\ncreated in %.1f s\n",
		r.where(r.Engine), r.EmptyMB, r.N, r.RSSMB, r.PerFunctionKB, r.CreateSeconds)
	return err
}
