package guest

import (
	"fmt"
	"strings"

	"thaw.dev/thaw/sandbox/microvm/vmm"
)

// Cmdline is the kernel's command line for a guest under the accelerator a, apart from what monitors add for their
// devices. hostKHz is the frequency of the host's time stamp counter, in kHz, which TCG passes on to the guest; 0 leaves
// measuring it to the guest.
func Cmdline(a vmm.Accelerator, hostKHz int) string {
	words := []string{
		"quiet", "panic=-1", "reboot=t", // a crashed guest is a gone guest
		"8250.nr_uarts=0", "i8042.noaux", "i8042.nokbd", // there are none
		"random.trust_cpu=on", "cryptomgr.notests", "audit=0", "nomodeset",
	}
	if a == vmm.TCG {
		// Emulation is too uneven to calibrate a clock by: without these, four of ten boots hung.
		words = append(words, "tsc=reliable", "no_timer_check")
		if hostKHz > 0 {
			words = append(words, fmt.Sprintf("tsc_early_khz=%d", hostKHz))
		}
	}
	return strings.Join(words, " ")
}
