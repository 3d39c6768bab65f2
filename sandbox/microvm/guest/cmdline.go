package guest

import (
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Cmdline is the kernel's command line for a guest under the accelerator a, apart from what monitors add for their
// devices.
func Cmdline(a vmm.Accelerator) string {
	words := []string{
		"quiet", "panic=-1", "reboot=t", // a crashed guest is a gone guest
		"8250.nr_uarts=0", "i8042.noaux", "i8042.nokbd", // there are none
		"random.trust_cpu=on", "cryptomgr.notests", "audit=0", "nomodeset",
	}
	if a == vmm.TCG {
		// Emulation is too uneven to calibrate a clock by: without these, four of ten boots hung. It passes the host's
		// time stamp counter on.
		words = append(words, "tsc=reliable", "no_timer_check")
		if khz := hostKHz(); khz > 0 {
			words = append(words, "tsc_early_khz="+strconv.Itoa(khz))
		}
	}
	return strings.Join(words, " ")
}

// hostKHz is the frequency of this host's time stamp counter, measured once. An interruption between reading the clock and
// the counter makes one measurement wrong, so it is the middle one of three.
var hostKHz = sync.OnceValue(func() int {
	var found [3]int
	for i := range found {
		began, from := time.Now(), timeStamp()
		time.Sleep(10 * time.Millisecond)
		ticks, took := timeStamp()-from, time.Since(began)
		found[i] = int(ticks * uint64(time.Millisecond) / uint64(took))
	}
	slices.Sort(found[:])
	return found[1]
})
