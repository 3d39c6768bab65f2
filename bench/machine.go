package bench

import (
	"fmt"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// Machine says what was measured, and on what.
type Machine struct {
	Commit string `json:"commit"` // of this build; "" if it does not know, with "+" if there were local changes
	Kernel string `json:"kernel"`
	CPUs   int    `json:"cpus"`
	CPU    string `json:"cpu"`       // the processor's name; "" if the kernel does not tell
	Memory int64  `json:"memory_mb"` // the host's, in 10^6 bytes; 0 if the kernel does not tell
	// Monitor and Accelerator are what the engine's virtual machines ran on; empty without any. See pool.EngineStatus.
	Monitor     string `json:"monitor,omitempty"`
	Accelerator string `json:"accelerator,omitempty"`
	// Emulated is true if the virtual machines were: the times say nothing about the speed that they have elsewhere.
	Emulated bool `json:"emulated,omitempty"`
	// Fewer is true if less was measured than usual, because the machines were emulated and nobody said how much.
	Fewer bool `json:"fewer,omitempty"`
}

// on is the engine with what its machines ran on. Figures of an emulation say so wherever they stand.
func (m *Machine) on(engine string) string {
	switch {
	case m.Accelerator == "":
		return engine
	case m.Emulated:
		return engine + " (" + m.Monitor + ", " + m.Accelerator + ": EMULATED, not the processor's speed)"
	}
	return engine + " (" + m.Monitor + ", " + m.Accelerator + ")"
}

// where ends the head of every table: on what it was measured.
func (m *Machine) where(engine string) string {
	text := fmt.Sprintf("on %s, %d CPUs, kernel %s", m.on(engine), m.CPUs, m.Kernel)
	if m.Fewer {
		text += "\nless than usual was measured, because of the emulation; flags say how much"
	}
	return text
}

func thisMachine() Machine {
	m := Machine{CPUs: runtime.NumCPU()}
	var u unix.Utsname
	if unix.Uname(&u) == nil {
		m.Kernel = unix.ByteSliceToString(u.Release[:])
	}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = member(string(b), "model name")
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		kib, _ := strconv.ParseInt(strings.TrimSuffix(member(string(b), "MemTotal"), " kB"), 10, 64)
		m.Memory = kib * 1024 / 1e6
	}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return m
	}
	changed := ""
	for _, s := range info.Settings {
		switch {
		case s.Key == "vcs.revision":
			m.Commit = s.Value
		case s.Key == "vcs.modified" && s.Value == "true":
			changed = "+"
		}
	}
	m.Commit += changed
	return m
}

// member finds the value of the first line "name : value" in one of procfs's texts, "" if there is none.
func member(text, name string) string {
	for line := range strings.Lines(text) {
		if key, value, ok := strings.Cut(line, ":"); ok && strings.TrimSpace(key) == name {
			return strings.TrimSpace(value)
		}
	}
	return ""
}
