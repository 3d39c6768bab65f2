package guest

// Cmdline is the kernel's command line for a guest, apart from what monitors add for their devices and accelerators.
const Cmdline = "quiet panic=-1 reboot=t" + // a crashed guest is a gone guest
	" 8250.nr_uarts=0 i8042.noaux i8042.nokbd nomodeset" + // there are no such devices
	" cryptomgr.notests audit=0 psi=0" + // nobody looks at what these would tell
	" transparent_hugepage=madvise" + // copies share memory by the page
	" lsm=" + // no policy is ever loaded, and each call would ask for one
	" GODEBUG=asyncpreemptoff=1" + // becomes init's environment: nothing in it computes for long, but emulation looks like it
	" random.trust_cpu=on"
