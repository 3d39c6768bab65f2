package guest

import (
	"net"
	"net/netip"
)

// Setup is what a guest becomes.
type Setup struct {
	Args    []string // of the agent; Args[0] is a path in the image of drive 0
	Env     []string // of the agent, "K=V"
	Mounts  []Mount  // images to mount before the agent starts, in this order
	Refresh Refresh
}

// Mount is an image that is the content of a drive, and the directory of the sandbox it is mounted on.
type Mount struct {
	Drive  int
	Target string
}

// Refresh is what a guest must not share with another one. Time and randomness are added when it is sent.
type Refresh struct {
	Hostname string   // 1 to 64 bytes
	Network  *Network // nil if the machine has no network device
	Limits   Limits
}

// Limits are those of all that runs in the sandbox.
type Limits struct {
	MemoryBytes int64 // 0 is none
	Pids        int   // processes and threads; 0 is none
}

// Network is the guest's end of its network device; see sandbox.Device.
type Network struct {
	Address netip.Prefix
	Gateway netip.Addr
	MAC     net.HardwareAddr
	MTU     int // bytes
}

// Stats is what the sandbox has used by the guest's own account: the most memory of its processes and of what it read of
// images, at most its limit.
type Stats struct {
	PeakMemoryBytes int64
	OOMKills        int
}
