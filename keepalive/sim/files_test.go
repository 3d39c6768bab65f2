package sim

import (
	"errors"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestWrittenTraceIsReadBack(t *testing.T) {
	t.Parallel()
	want, err := Generate(t.Context(), GenerateOptions{Functions: 30, Days: 2, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(t.TempDir(), "trace")
	files, err := Write(want, dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Errorf("files %v, want two days, execution times, memory", files)
	}
	var read []string
	got, err := Read([]string{dir}, func(f string) { read = append(read, f) })
	if err != nil {
		t.Fatal(err)
	}
	if slices.Sort(files); !slices.Equal(files, read) {
		t.Errorf("read %v, written %v", read, files)
	}
	if !reflect.DeepEqual(got, want) {
		t.Error("what was read differs from what was written")
	}
}

const (
	invocations = "HashOwner,HashApp,HashFunction,Trigger,1,2,3\no,a,f,http,1,0,2\no,a,g,timer,0,0,0\n"
	durations   = "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_1," +
		"percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_100\n" +
		"o,a,f,10,3,1,99,1,2,25,50,75,99,99\n"
	memory = "HashOwner,HashApp,SampleCount,AverageAllocatedMb\no,b,1,100\n"
)

func TestMissingFilesGiveDefaults(t *testing.T) {
	t.Parallel()
	r := newReader()
	for _, text := range []string{invocations, durations, memory, invocations} {
		if err := r.read("x.csv", strings.NewReader(text)); err != nil {
			t.Fatal(err)
		}
	}
	tr, err := r.finish()
	if err != nil {
		t.Fatal(err)
	}
	if tr.Minutes != minutesPerDay+3 || tr.Invocations() != 6 || len(tr.Functions) != 2 {
		t.Errorf("%d minutes, %d invocations, %d functions", tr.Minutes, tr.Invocations(), len(tr.Functions))
	}
	if tr.Guessed.Durations != 1 || tr.Guessed.Memory != 2 {
		t.Errorf("guessed %+v: g has no execution times, app a no memory", tr.Guessed)
	}
	f, g := tr.Functions[0], tr.Functions[1]
	if f.Durations != [7]float64{1, 2, 25, 50, 75, 99, 99} || g.Durations[3] != DefaultDurationMS || f.MemoryMB != DefaultMemoryMB {
		t.Errorf("f %v %v, g %v", f.Durations, f.MemoryMB, g.Durations)
	}
	if want := []Count{{0, 1}, {2, 2}, {minutesPerDay, 1}, {minutesPerDay + 2, 2}}; !slices.Equal(f.Counts, want) {
		t.Errorf("counts %v, want %v", f.Counts, want)
	}
}

func TestBadFilesNameTheLine(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", "x.csv:1: the file is empty"},
		{"a,b\n", "x.csv:1: not a file of the trace"},
		{"HashOwner,HashFunction,Trigger,1\n", "x.csv:1: column HashApp is missing"},
		{"HashOwner,HashApp,HashFunction,Trigger\n", "x.csv:1: column 1 is missing"},
		{"HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,1\no,a,g,http,x\n", `x.csv:3: minute 1: "x" is not a count`},
		{"HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,-1\n", `x.csv:2: minute 1: "-1" is not a count`},
		{"HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,99999999\n", "is not a count from 0 to 10000000"},
		{"HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http\n", "x.csv:2: wrong number of fields"},
		{"HashOwner,HashApp,HashFunction,Trigger,1\no,a,f,http,1\no,a,f,http,1\n", "x.csv:3: function f has two lines"},
		{strings.Replace(durations, ",99\n", ",many\n", 1), `x.csv:2: column 14: "many" is not a number`},
		{strings.Replace(memory, ",100\n", ",NaN\n", 1), `x.csv:2: column 4: "NaN" is not a number`},
		{"HashOwner,HashApp,AverageAllocatedMb\n\"o,a,1\n", "x.csv:2: extraneous or missing \""},
	} {
		err := newReader().read("x.csv", strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: error %v, want %s", c.text, err, c.want)
		}
	}
}

func TestReadNeedsInvocations(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	if _, err := Read([]string{dir}, nil); err == nil || !strings.Contains(err.Error(), "no .csv files") {
		t.Errorf("empty directory: %v", err)
	}
	if _, err := Read([]string{filepath.Join(dir, "absent")}, nil); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "m.csv"), []byte(memory), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Read([]string{dir}, nil); !errors.Is(err, ErrNoInvocations) {
		t.Errorf("only memory: %v", err)
	}
}

// TestGeneratedStatistics compares a synthetic trace with what was published.
func TestGeneratedStatistics(t *testing.T) {
	t.Parallel()
	tr, err := Generate(t.Context(), GenerateOptions{Functions: 1000, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	hourly, minutely, timers := 0, 0, 0
	var popular, all int64
	var logs, memories []float64
	for i := range tr.Functions {
		f := &tr.Functions[i]
		n := f.Invocations()
		all += n
		if n <= 24 {
			hourly++
		}
		if n <= 1440 {
			minutely++
		} else {
			popular += n
		}
		if f.Trigger == "timer" {
			timers++
		}
		logs = append(logs, math.Log(f.Durations[3]))
		memories = append(memories, f.MemoryMB)
	}
	share := func(what string, got, want, within float64) {
		t.Helper()
		if math.Abs(got-want) > within {
			t.Errorf("%s: %.3f, published %.3f", what, got, want)
		}
	}
	share("functions at most once per hour", float64(hourly)/1000, hourlyShare, 0.03)
	share("functions at most once per minute", float64(minutely)/1000, minutelyBy, 0.03)
	share("invocations of the others", float64(popular)/float64(all), popularShare, 0.002)
	share("timers", float64(timers)/1000, 0.156, 0.001)
	slices.Sort(logs)
	slices.Sort(memories)
	// Execution times of popular functions are cut, so the median is a little below the published one.
	share("median execution time, ln ms", logs[500], math.Log(684)-executionSigma*executionSigma/2, 0.35)
	share("median memory, MB", memories[500], 139, 15)
}

func TestChart(t *testing.T) {
	t.Parallel()
	c := &Comparison{Minutes: 60, Outcomes: []*Outcome{
		{Family: FamilyFixed, GBs: 10, ColdRate: 0.4}, {Family: FamilyFixed, GBs: 20, ColdRate: 0.2},
		{Family: FamilyThaw, GBs: 8, ColdRate: 0.3}, {Family: FamilyThaw, GBs: 25, ColdRate: 0.1},
	}}
	svg, err := c.SVG()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"<svg", ">fixed<", ">thaw<", "</svg>"} {
		if !strings.Contains(string(svg), want) {
			t.Errorf("no %s in the chart", want)
		}
	}
	if strings.Contains(string(svg), ">lru<") {
		t.Error("a family without outcomes is in the chart")
	}
	c.Outcomes = c.Outcomes[:1]
	if _, err := c.SVG(); err == nil {
		t.Error("one outcome makes a curve")
	}
}

func FuzzRead(f *testing.F) {
	f.Add(invocations)
	f.Add(durations)
	f.Add(memory)
	f.Add("HashOwner,HashApp,HashFunction,Trigger,1,1\n,,,,1,1\n")
	f.Fuzz(func(t *testing.T, text string) {
		r := newReader()
		if err := r.read("x.csv", strings.NewReader(text)); err != nil {
			if !strings.HasPrefix(err.Error(), "x.csv:") {
				t.Errorf("error without a line: %v", err)
			}
			return
		}
		tr, err := r.finish()
		if err != nil {
			if !errors.Is(err, ErrNoInvocations) {
				t.Error(err)
			}
			return
		}
		for i := range tr.Functions {
			last := int32(-1)
			for _, c := range tr.Functions[i].Counts {
				if c.Minute <= last || int(c.Minute) >= tr.Minutes || c.N < 1 || c.N > maxCount {
					t.Fatalf("count %+v after minute %d of %d", c, last, tr.Minutes)
				}
				last = c.Minute
			}
			if d := tr.Functions[i].Durations; !slices.IsSorted(d[:]) {
				t.Fatalf("percentiles %v", d)
			}
		}
	})
}
