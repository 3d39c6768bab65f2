package sim

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
)

// Write writes t as CSV files of the public trace's form into dir, which is made if it does not exist: invocations per
// day, execution times and memory. It returns the files.
func Write(t *Trace, dir string) ([]string, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	var files []string
	write := func(name string, content func(*Trace, io.Writer)) error {
		path := filepath.Join(dir, name)
		f, err := os.Create(path)
		if err != nil {
			return err
		}
		files = append(files, path)
		w := bufio.NewWriter(f)
		content(t, w)
		if err := w.Flush(); err != nil {
			_ = f.Close() // the first error counts
			return err
		}
		return f.Close()
	}
	for day := range (t.Minutes + minutesPerDay - 1) / minutesPerDay {
		name := fmt.Sprintf("invocations_per_function_md.anon.d%02d.csv", day+1)
		if err := write(name, func(t *Trace, w io.Writer) { writeInvocations(t, w, day*minutesPerDay) }); err != nil {
			return nil, err
		}
	}
	if err := write("function_durations_percentiles.anon.d01.csv", writeDurations); err != nil {
		return nil, err
	}
	if err := write("app_memory_percentiles.anon.d01.csv", writeMemory); err != nil {
		return nil, err
	}
	return files, nil
}

// The functions below write to a buffer that keeps the first error until it is flushed.

func writeInvocations(t *Trace, w io.Writer, begin int) {
	fmt.Fprint(w, "HashOwner,HashApp,HashFunction,Trigger")
	minutes := min(minutesPerDay, t.Minutes-begin)
	for m := range minutes {
		fmt.Fprint(w, ",", m+1)
	}
	fmt.Fprintln(w)
	var line []byte
	for i := range t.Functions {
		f := &t.Functions[i]
		line = append(line[:0], f.Owner+","+f.App+","+f.Name+","+f.Trigger...)
		counts := f.Counts
		for m := range minutes {
			for len(counts) > 0 && int(counts[0].Minute) < begin+m {
				counts = counts[1:]
			}
			line = append(line, ',')
			if len(counts) > 0 && int(counts[0].Minute) == begin+m {
				line = strconv.AppendInt(line, int64(counts[0].N), 10)
			} else {
				line = append(line, '0')
			}
		}
		_, _ = w.Write(append(line, '\n'))
	}
}

func writeDurations(t *Trace, w io.Writer) {
	fmt.Fprintln(w, "HashOwner,HashApp,HashFunction,Average,Count,Minimum,Maximum,percentile_Average_0,percentile_Average_1,"+
		"percentile_Average_25,percentile_Average_50,percentile_Average_75,percentile_Average_99,percentile_Average_100")
	for i := range t.Functions {
		f := &t.Functions[i]
		d := f.Durations
		fmt.Fprintf(w, "%s,%s,%s,%g,%d,%g,%g", f.Owner, f.App, f.Name, d[3], f.Invocations(), d[0], d[6])
		for _, v := range d {
			fmt.Fprintf(w, ",%g", v)
		}
		fmt.Fprintln(w)
	}
}

func writeMemory(t *Trace, w io.Writer) {
	fmt.Fprintln(w, "HashOwner,HashApp,SampleCount,AverageAllocatedMb,AverageAllocatedMb_pct1,AverageAllocatedMb_pct5,"+
		"AverageAllocatedMb_pct25,AverageAllocatedMb_pct50,AverageAllocatedMb_pct75,AverageAllocatedMb_pct95,"+
		"AverageAllocatedMb_pct99,AverageAllocatedMb_pct100")
	written := make(map[appID]bool)
	for i := range t.Functions {
		f := &t.Functions[i]
		id := appID{f.Owner, f.App}
		if written[id] {
			continue
		}
		written[id] = true
		fmt.Fprintf(w, "%s,%s,1,%g", f.Owner, f.App, f.MemoryMB)
		for range 8 {
			fmt.Fprintf(w, ",%g", f.MemoryMB)
		}
		fmt.Fprintln(w)
	}
}
