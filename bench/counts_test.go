package bench

import (
	"strings"
	"testing"
)

// TestCountsByMachine: what nobody said is less in emulated machines, and the output says so; what somebody said holds.
func TestCountsByMachine(t *testing.T) {
	t.Parallel()
	usual, emulated := HeteroOptions{}, HeteroOptions{Setup: Setup{emulated: true, accelerator: "tcg"}}
	if err := usual.check(); err != nil || usual.N != HeteroSamples.Usual || usual.Functions != HeteroFunctions.Usual {
		t.Errorf("got %+v, %v", usual, err)
	}
	if err := emulated.check(); err != nil || emulated.N != HeteroSamples.Emulated || emulated.Functions != HeteroFunctions.Emulated {
		t.Errorf("got %+v, %v", emulated, err)
	}
	const note = "less than usual was measured"
	if m := usual.machine(); m.Fewer || strings.Contains(m.where("gvisor"), note) {
		t.Errorf("usual counts: %+v", m)
	}
	if m := emulated.machine(); !m.Fewer || !m.Emulated || !strings.Contains(m.where("microvm"), note) {
		t.Errorf("emulated: %+v", m)
	}
	said := FreezeOptions{Setup: Setup{emulated: true, accelerator: "tcg"}, N: FreezeCycles.Usual}
	if err := said.check(); err != nil || said.N != FreezeCycles.Usual || said.machine().Fewer {
		t.Errorf("got %+v, %v", said, err)
	}
}

func TestCountInWords(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]Count{"5": {5, 5}, "50, or 7 in emulated machines": {50, 7}} {
		if got := c.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
