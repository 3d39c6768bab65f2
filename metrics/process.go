package metrics

import (
	"bytes"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"strconv"
	"syscall"
)

// Process is the daemon at one moment, without its sandboxes. What the host does not tell is 0.
type Process struct {
	Version       string  `json:"version"` // of Thaw
	Go            string  `json:"go"`
	CPUSeconds    float64 `json:"cpu_seconds"`
	ResidentBytes int64   `json:"resident_bytes"`
	OpenFiles     int     `json:"open_files"`
	MaxFiles      uint64  `json:"max_files"`
	Goroutines    int     `json:"goroutines"`
	HeapBytes     uint64  `json:"heap_bytes"`
	GCCycles      uint64  `json:"gc_cycles"`
}

// ReadProcess measures this process.
func ReadProcess() Process {
	p := Process{Version: "(devel)", Go: runtime.Version(), Goroutines: runtime.NumGoroutine(), ResidentBytes: residentBytes()}
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		p.Version = info.Main.Version
	}
	var usage syscall.Rusage
	if syscall.Getrusage(syscall.RUSAGE_SELF, &usage) == nil {
		p.CPUSeconds = float64(usage.Utime.Nano()+usage.Stime.Nano()) / 1e9
	}
	if d, err := os.Open("/proc/self/fd"); err == nil {
		names, _ := d.Readdirnames(-1) // as many as can be read
		p.OpenFiles = max(len(names)-1, 0)
		_ = d.Close()
	}
	var limit syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit) == nil {
		p.MaxFiles = limit.Cur
	}
	samples := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}, {Name: "/gc/cycles/total:gc-cycles"}}
	metrics.Read(samples) // does not stop the world
	p.HeapBytes, p.GCCycles = count(samples[0]), count(samples[1])
	return p
}

// count is a sample's value, 0 if this Go does not have it.
func count(s metrics.Sample) uint64 {
	if s.Value.Kind() != metrics.KindUint64 {
		return 0
	}
	return s.Value.Uint64()
}

func residentBytes() int64 {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0
	}
	fields := bytes.Fields(b)
	if len(fields) < 2 {
		return 0
	}
	pages, err := strconv.ParseInt(string(fields[1]), 10, 64)
	if err != nil {
		return 0
	}
	return pages * int64(os.Getpagesize())
}
