package wire

import "math"

// Ready is the guest's first event: it has booted and waits for Setup.
type Ready struct {
	Version  uint32 // of the protocol
	BootedMs uint32 // what its boot took, by its own clock
	Kernel   string // its release, as uname -r prints it
}

// Stats is what the sandbox uses.
type Stats struct {
	PeakMemoryBytes int64
	OOMKills        int64
}

// Exited is the event that the agent has ended. The guest powers off after it.
type Exited struct {
	Code   int32  // its exit code, -1 if a signal ended it
	Signal uint32 // that signal, 0 if none
}

// OOM is the event that the memory limit has killed processes.
type OOM struct {
	Kills int64 // so far
}

// Append is Setup.Append.
func (e *Ready) Append(b []byte) []byte {
	w := writer(b)
	w.u32(e.Version)
	w.u32(e.BootedMs)
	w.string(e.Kernel)
	return w
}

// ParseReady is ParseSetup.
func ParseReady(b []byte) (Ready, error) {
	r := reader{b: b}
	e := Ready{Version: r.u32(), BootedMs: r.u32(), Kernel: r.string()}
	return e, r.end()
}

// Append is Setup.Append.
func (s *Stats) Append(b []byte) []byte {
	w := writer(b)
	for _, v := range []int64{s.PeakMemoryBytes, s.OOMKills} {
		w.i64(v)
	}
	return w
}

// ParseStats is ParseSetup. No member of what it returns is negative.
func ParseStats(b []byte) (Stats, error) {
	r := reader{b: b}
	s := Stats{PeakMemoryBytes: r.i64(), OOMKills: r.i64()}
	r.bad = r.bad || s.PeakMemoryBytes < 0 || s.OOMKills < 0 || s.OOMKills > math.MaxInt32
	return s, r.end()
}

// Append is Setup.Append.
func (e *Exited) Append(b []byte) []byte {
	w := writer(b)
	w.u32(uint32(e.Code))
	w.u32(e.Signal)
	return w
}

// ParseExited is ParseSetup. The code it returns is -1 to 255, the signal 0 to 64.
func ParseExited(b []byte) (Exited, error) {
	r := reader{b: b}
	e := Exited{Code: int32(r.u32()), Signal: r.u32()}
	r.bad = r.bad || e.Code < -1 || e.Code > 255 || e.Signal > 64
	return e, r.end()
}

// Append is Setup.Append.
func (e *OOM) Append(b []byte) []byte {
	w := writer(b)
	w.i64(e.Kills)
	return w
}

// ParseOOM is ParseSetup. The number it returns is not negative and fits an int32.
func ParseOOM(b []byte) (OOM, error) {
	r := reader{b: b}
	e := OOM{Kills: r.i64()}
	r.bad = r.bad || e.Kills < 0 || e.Kills > math.MaxInt32
	return e, r.end()
}
