package bench

import (
	"context"
	"fmt"

	"thaw.dev/thaw/node"
)

// Count is how much a measurement does when it is not told.
type Count struct {
	Usual    int
	Emulated int // where virtual machines are emulated
}

// How much each measurement does when it is not told. With emulated machines, ten to fifty times slower, none is to take
// more than some two minutes on two CPUs that have nothing else to do.
var (
	WarmSamples         = Count{2000, 300}
	ColdSamples         = Count{30, 5}
	RestoreSamples      = Count{20, 5}
	BurstWidth          = Count{100, 8}
	BurstRounds         = Count{3, 1}
	HeteroFunctions     = Count{100, 8}
	HeteroSamples       = Count{3000, 200}
	FreezeCycles        = Count{1000, 100}
	StreamSamples       = Count{500, 50}
	StreamBytes         = Count{20 << 20, 5 << 20}
	EventSamples        = Count{5000, 500}
	BacklogEvents       = Count{5000, 500}
	LogsSamples         = Count{50, 10}
	DensityEnvironments = Count{10, 2}
	RSSFunctions        = Count{1000, 1000}

	// stock is how many slots the server keeps of the kind that is measured: enough that one is always ready. Of the size
	// that the functions here have, machines have a stock of what is asked for in any case; one to boot is expensive enough.
	stock = Count{3, 0}

	// coldSkip is how many cold starts are thrown away at the beginning.
	coldSkip = Count{3, 1}

	// trafficRate is how many warm requests per second run beside a burst: enough to see them starve, too few to be what
	// the burst waits for.
	trafficRate = Count{50, 5}
)

// String is c for a flag's help.
func (c Count) String() string {
	if c.Usual == c.Emulated {
		return fmt.Sprintf("%d", c.Usual)
	}
	return fmt.Sprintf("%d, or %d in emulated machines", c.Usual, c.Emulated)
}

// of is the count for the machines of a measurement.
func (c Count) of(s *Setup) int {
	if s.emulated {
		return c.Emulated
	}
	return c.Usual
}

// orUsual replaces a count that was not given.
func (s *Setup) orUsual(n *int, c Count) {
	if *n == 0 {
		*n = c.of(s)
		s.fewer = s.fewer || *n < c.Usual
	}
}

// look finds out what the counts depend on. Every measurement begins with it.
func (s *Setup) look(ctx context.Context) {
	c := node.Default()
	c.Engine = s.Engine
	s.emulated = node.Emulated(ctx, c)
}
