package thawtest

import "time"

// Functions whose machines are emulated compute some ten to thirty times slower, waking them and moving bytes takes much
// less than that. They get more time, and a whole CPU instead of the share of 512 MB. This is the one place that says so:
// tests name the bounds that hold on gVisor, and on machines with hardware virtualisation.
const (
	emulation     = "tcg" // sandbox.Capabilities.Accelerator
	emulatedPace  = 5
	tooMany       = 10
	wholeCPU      = 1769 // MB
	usualMemory   = 512  // MB
	usualTimeout  = 10   // seconds
	mostOfTimeout = 900  // seconds
)

// emulated reports whether functions run in machines that are emulated, if the operator's policy says nothing else.
func (s *Server) emulated() bool { return s.Status().Engines[0].Accelerator == emulation }

// Allow is d, a bound that says how fast functions are, as it is for those of s.
func (s *Server) Allow(d time.Duration) time.Duration {
	if s.emulated() {
		return emulatedPace * d
	}
	return d
}

// Fewer is n, a number of environments that start at the same time, as it is for those of s.
func (s *Server) Fewer(n int) int {
	if s.emulated() {
		return max(n/tooMany, 1)
	}
	return n
}

// Timeout is what Deploy makes of Function.Timeout, in seconds.
func (s *Server) Timeout(seconds int) int {
	if seconds == 0 {
		seconds = usualTimeout
	}
	return min(int(s.Allow(time.Duration(seconds)*time.Second)/time.Second), mostOfTimeout)
}

// memory is what Deploy makes of Function.MemoryMB.
func (s *Server) memory(mb int) int {
	switch {
	case mb != 0:
		return mb
	case s.emulated():
		return wholeCPU
	}
	return usualMemory
}
