// Package cpuinfo describes the host's processor for what depends on it, such as snapshots.
package cpuinfo

import (
	"bytes"
	"errors"
	"os"
	"slices"
	"strings"
)

// Lines returns the lines of /proc/cpuinfo about the first processor that have one of these names, in the file's order. None
// at all is an error. Callers name what stays the same as long as the processor does.
func Lines(names ...string) ([]byte, error) {
	b, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return nil, err
	}
	return lines(b, names)
}

func lines(cpuinfo []byte, names []string) ([]byte, error) {
	first, _, _ := bytes.Cut(cpuinfo, []byte("\n\n"))
	var out bytes.Buffer
	for line := range strings.Lines(string(first)) {
		name, _, _ := strings.Cut(line, ":")
		if slices.Contains(names, strings.TrimSpace(name)) {
			out.WriteString(line)
		}
	}
	if out.Len() == 0 {
		return nil, errors.New("/proc/cpuinfo says nothing about the processor")
	}
	return out.Bytes(), nil
}
