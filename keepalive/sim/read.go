package sim

import (
	"bufio"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// ErrNoInvocations is returned for files of which none says how often functions were invoked.
var ErrNoInvocations = errors.New("no file with invocations per function")

// Read reads a trace. Each path is a CSV file or a directory of them; what a file holds is told by its header. Several
// files with invocations are consecutive days, in the order of their names. progress, which may be nil, is told of each
// file. Errors name file and line.
func Read(paths []string, progress func(file string)) (*Trace, error) {
	files, err := csvFiles(paths)
	if err != nil {
		return nil, err
	}
	r := newReader()
	for _, name := range files {
		if progress != nil {
			progress(name)
		}
		f, err := os.Open(name)
		if err != nil {
			return nil, err
		}
		err = r.read(name, f)
		_ = f.Close() // only read
		if err != nil {
			return nil, err
		}
	}
	return r.finish()
}

// csvFiles are the files that paths stand for, those of a directory in the order of their names.
func csvFiles(paths []string) ([]string, error) {
	var files []string
	for _, path := range paths {
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if !info.IsDir() {
			files = append(files, path)
			continue
		}
		found, err := filepath.Glob(filepath.Join(path, "*.csv"))
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: no .csv files", path)
		}
		slices.Sort(found)
		files = append(files, found...)
	}
	return files, nil
}

type (
	functionID struct{ owner, app, name string }
	appID      struct{ owner, app string }
)

// reader collects what files say.
type reader struct {
	trace     Trace
	index     map[functionID]int
	durations map[functionID][7]float64
	memory    map[appID]float64
	days      int
}

func newReader() *reader {
	return &reader{
		index:     make(map[functionID]int),
		durations: make(map[functionID][7]float64),
		memory:    make(map[appID]float64),
	}
}

// table is one CSV file.
type table struct {
	file    string
	csv     *csv.Reader
	columns map[string]int
	row     []string
}

// errorf is an error at the current line.
func (t *table) errorf(format string, args ...any) error {
	line, _ := t.csv.FieldPos(0)
	return fmt.Errorf("%s:%d: "+format, append([]any{t.file, line}, args...)...)
}

// next reads a row; io.EOF after the last.
func (t *table) next() error {
	row, err := t.csv.Read()
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return fmt.Errorf("%s:%d: %w", t.file, bad.Line, bad.Err)
	}
	t.row = row
	return err
}

// need returns where columns are, or an error that names the one that is missing.
func (t *table) need(names ...string) ([]int, error) {
	at := make([]int, len(names))
	for i, name := range names {
		c, ok := t.columns[name]
		if !ok {
			return nil, t.errorf("column %s is missing", name)
		}
		at[i] = c
	}
	return at, nil
}

// number reads a column as a number from 0 to most.
func (t *table) number(column int, most float64) (float64, error) {
	v, err := strconv.ParseFloat(t.row[column], 64)
	if err != nil || math.IsNaN(v) || v < 0 || v > most {
		return 0, t.errorf("column %d: %q is not a number from 0 to %.0f", column+1, t.row[column], most)
	}
	return v, nil
}

func (r *reader) read(file string, from io.Reader) error {
	t := &table{file: file, csv: csv.NewReader(bufio.NewReaderSize(from, 1<<16))}
	t.csv.ReuseRecord = true
	switch err := t.next(); {
	case errors.Is(err, io.EOF):
		return fmt.Errorf("%s:1: the file is empty", file)
	case err != nil:
		return err
	}
	t.columns = make(map[string]int, len(t.row))
	for i, name := range t.row {
		t.columns[strings.Clone(strings.TrimSpace(name))] = i
	}
	has := func(name string) bool { _, ok := t.columns[name]; return ok }
	switch {
	case has("Trigger"):
		return r.readInvocations(t)
	case has("percentile_Average_50"):
		return r.readDurations(t)
	case has("AverageAllocatedMb"):
		return r.readMemory(t)
	}
	return t.errorf("not a file of the trace: its header has none of Trigger, percentile_Average_50, AverageAllocatedMb")
}

func (r *reader) readInvocations(t *table) error {
	at, err := t.need("HashOwner", "HashApp", "HashFunction", "Trigger")
	if err != nil {
		return err
	}
	minutes := make([]int, 0, minutesPerDay)
	for m := 1; m <= minutesPerDay; m++ {
		c, ok := t.columns[strconv.Itoa(m)]
		if !ok {
			break
		}
		minutes = append(minutes, c)
	}
	if len(minutes) == 0 {
		return t.errorf("column 1 is missing, the first minute")
	}
	if r.days == maxDays {
		return t.errorf("more than %d days", maxDays)
	}
	begin := int32(r.days) * minutesPerDay
	r.days++
	r.trace.Minutes = int(begin) + len(minutes)
	for {
		if err := t.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		f, err := r.function(t, at)
		if err != nil {
			return err
		}
		if n := len(f.Counts); n > 0 && f.Counts[n-1].Minute >= begin {
			return t.errorf("function %s has two lines", f.Name)
		}
		for m, c := range minutes {
			if t.row[c] == "0" {
				continue
			}
			n, err := strconv.ParseInt(t.row[c], 10, 32)
			if err != nil || n < 0 || n > maxCount {
				return t.errorf("minute %d: %q is not a count from 0 to %d", m+1, t.row[c], maxCount)
			}
			if n > 0 {
				f.Counts = append(f.Counts, Count{begin + int32(m), int32(n)})
			}
		}
	}
}

// function finds or makes the function of a row; at are the columns of owner, app, function and trigger.
func (r *reader) function(t *table, at []int) (*Function, error) {
	id := functionID{t.row[at[0]], t.row[at[1]], t.row[at[2]]}
	i, ok := r.index[id]
	if !ok {
		if i = len(r.trace.Functions); i == maxFunctions {
			return nil, t.errorf("more than %d functions", maxFunctions)
		}
		id = functionID{strings.Clone(id.owner), strings.Clone(id.app), strings.Clone(id.name)}
		r.index[id] = i
		r.trace.Functions = append(r.trace.Functions, Function{
			Owner: id.owner, App: id.app, Name: id.name, Trigger: strings.Clone(t.row[at[3]]),
		})
	}
	return &r.trace.Functions[i], nil
}

func (r *reader) readDurations(t *table) error {
	at, err := t.need("HashOwner", "HashApp", "HashFunction",
		"percentile_Average_0", "percentile_Average_1", "percentile_Average_25", "percentile_Average_50",
		"percentile_Average_75", "percentile_Average_99", "percentile_Average_100")
	if err != nil {
		return err
	}
	for {
		if err := t.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		var d [7]float64
		for i := range d {
			if d[i], err = t.number(at[3+i], maxDurationMS); err != nil {
				return err
			}
			if i > 0 && d[i] < d[i-1] {
				d[i] = d[i-1] // percentiles of averages are not always in order
			}
		}
		id := functionID{t.row[at[0]], t.row[at[1]], t.row[at[2]]}
		if _, ok := r.durations[id]; !ok {
			r.durations[functionID{strings.Clone(id.owner), strings.Clone(id.app), strings.Clone(id.name)}] = d
		}
	}
}

func (r *reader) readMemory(t *table) error {
	at, err := t.need("HashOwner", "HashApp", "AverageAllocatedMb")
	if err != nil {
		return err
	}
	for {
		if err := t.next(); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		mb, err := t.number(at[2], maxMemoryMB)
		if err != nil {
			return err
		}
		id := appID{t.row[at[0]], t.row[at[1]]}
		if _, ok := r.memory[id]; !ok {
			r.memory[appID{strings.Clone(id.owner), strings.Clone(id.app)}] = mb
		}
	}
}

// finish joins what the files said.
func (r *reader) finish() (*Trace, error) {
	if r.days == 0 {
		return nil, ErrNoInvocations
	}
	t := &r.trace
	for i := range t.Functions {
		f := &t.Functions[i]
		d, ok := r.durations[functionID{f.Owner, f.App, f.Name}]
		if !ok {
			t.Guessed.Durations++
			for j := range d {
				d[j] = DefaultDurationMS
			}
		}
		f.Durations = d
		f.MemoryMB = r.memory[appID{f.Owner, f.App}]
		if f.MemoryMB == 0 {
			t.Guessed.Memory++
			f.MemoryMB = DefaultMemoryMB
		}
	}
	return t, nil
}
