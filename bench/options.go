package bench

import (
	"errors"
	"fmt"
	"runtime"

	"thaw.dev/thaw/embedded"
)

// Kind is what Run measures.
type Kind string

// Kinds of measurement.
const (
	Warm Kind = "warm" // invocations that find an initialised environment
	Cold Kind = "cold" // invocations that wait for a new environment
)

// ErrUnavailable is returned when this host lacks what the chosen runtime needs; the text says what.
var ErrUnavailable = errors.New("runtime is not available on this host")

// Options say what to measure.
type Options struct {
	Kind Kind
	// Engine is the server's engine, as in node.Config.
	Engine string
	// Runtime is a family (python, nodejs, provided), of which the newest installed version is taken, or a runtime's
	// name. provided needs the go command, which builds the function.
	Runtime string
	// N is the number of samples, at least 1.
	N int
	// Concurrency is the number of clients whose rate is measured after the samples. Zero means one per CPU for Warm,
	// and for Cold 1, whose rate follows from the samples.
	Concurrency int
	// Helpers are the server's helper programs; empty means the embedded ones.
	Helpers embedded.Paths
	// Progress is told what is being done; nil means nobody listens.
	Progress func(step string)
}

func (o *Options) check() error {
	switch {
	case o.Kind != Warm && o.Kind != Cold:
		return fmt.Errorf("kind %q: want %s or %s", o.Kind, Warm, Cold)
	case o.N < 1:
		return fmt.Errorf("%d samples: want at least 1", o.N)
	case o.Concurrency < 0:
		return fmt.Errorf("concurrency %d: want 1 or more", o.Concurrency)
	}
	if o.Concurrency == 0 {
		o.Concurrency = 1
		if o.Kind == Warm {
			o.Concurrency = runtime.NumCPU()
		}
	}
	if o.Progress == nil {
		o.Progress = func(string) {}
	}
	return nil
}
