package kvm

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"thaw.dev/thaw/internal/leakcheck"
)

func TestMain(m *testing.M) { leakcheck.Main(m) }

func TestCheck(t *testing.T) {
	t.Parallel()
	hardware := facts{machine: "amd64", flags: []string{"sse", "vmx"}, turn: time.Nanosecond}
	with := func(change func(*facts)) facts {
		f := hardware
		change(&f)
		return f
	}
	for name, test := range map[string]struct {
		facts facts
		ok    bool
		says  string
	}{
		"hardware":        {hardware, true, "hardware"},
		"amd":             {with(func(f *facts) { f.flags = []string{"svm"} }), true, "hardware"},
		"other machine":   {with(func(f *facts) { f.machine = "arm64" }), false, "arm64"},
		"no device":       {with(func(f *facts) { f.open = &os.PathError{Op: "open", Path: Device, Err: os.ErrNotExist} }), false, "does not exist"},
		"forbidden":       {with(func(f *facts) { f.open = os.ErrPermission }), false, "permission denied"},
		"no extension":    {with(func(f *facts) { f.flags = []string{"sse", "hypervisor"} }), false, "neither vmx nor svm"},
		"does not run":    {with(func(f *facts) { f.loop = errors.New("out of luck") }), false, "out of luck"},
		"emulated":        {with(func(f *facts) { f.turn = 400 * time.Nanosecond }), false, "emulated"},
		"does not finish": {with(func(f *facts) { f.loop = errTooSlow }), false, "did not come to its end"},
	} {
		c := test.facts.check()
		if c.Name != "kvm" || c.Must || c.OK != test.ok || !strings.Contains(c.Detail, test.says) || (c.Remedy == "") != c.OK {
			t.Errorf("%s: %+v", name, c)
		}
	}
}

// TestProbe: what the probe says of the machine it runs on fits what is plain to see there.
func TestProbe(t *testing.T) {
	t.Parallel()
	start := time.Now()
	c := Probe(t.Context())
	if took := time.Since(start); took > 2*abandonAfter {
		t.Errorf("took %s", took)
	}
	if _, err := os.Stat(Device); err != nil && (c.OK || !strings.Contains(c.Detail, Device)) {
		t.Errorf("%v, and yet %+v", err, c)
	}
	flags := " " + strings.Join(processorFlags(), " ") + " "
	if len(flags) < 10 {
		t.Errorf("the processor's flags are %q", flags)
	}
	if c.OK && !strings.Contains(flags, " vmx ") && !strings.Contains(flags, " svm ") {
		t.Errorf("no extension, and yet %+v", c)
	}
	t.Logf("%+v", c)
}

// TestLoopOnNoKVM: whatever opens as the device, the loop fails cleanly and in time.
func TestLoopOnNoKVM(t *testing.T) {
	t.Parallel()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	if _, err := timeLoop(ctx, null); err == nil {
		t.Error("a loop ran on /dev/null")
	}
}
