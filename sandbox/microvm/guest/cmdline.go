package guest

import "strings"

// Cmdline is the kernel's command line for a guest, apart from what monitors add for their devices and accelerators.
var Cmdline = strings.Join([]string{
	"quiet", "panic=-1", "reboot=t", // a crashed guest is a gone guest
	"8250.nr_uarts=0", "i8042.noaux", "i8042.nokbd", // there are none
	"random.trust_cpu=on", "cryptomgr.notests", "audit=0", "nomodeset",
}, " ")
