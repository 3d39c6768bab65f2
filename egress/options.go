package egress

import (
	"log/slog"
	"net/netip"
	"syscall"
	"time"
)

// Options configure a Network. The zero value is usable: the built-in policy, default limits, the host's resolvers.
type Options struct {
	// Policy adds the operator's rules to the built-in ones.
	Policy Policy
	// Logger receives refusals at debug level and trouble of the host at warn level. Nil discards.
	Logger *slog.Logger
	// Limits bound what sandboxes may use. A zero member means its default.
	Limits Limits
	// ResolvConf is the file that names the host's resolvers, read again when it changed. Default /etc/resolv.conf.
	ResolvConf string
	// Resolvers are asked instead of those in ResolvConf, in this order, if there are any.
	Resolvers []netip.AddrPort
	// Services are what sandboxes reach at addresses that lie nowhere: a connection to one is not dialled, its other end is
	// handed to the service. The policy does not apply to them; the limits do.
	Services map[netip.AddrPort]Service
	// HostAddresses lists the host's own addresses with their networks. It is called again when the last answer is two
	// seconds old; until it first succeeded every destination is refused. Default: those of all interfaces.
	HostAddresses func() ([]netip.Prefix, error)
}

// Limits bound the use of the host by sandboxes. All are per sandbox except Sockets. Reaching one is counted in
// Stats.Limited and never affects another sandbox.
type Limits struct {
	// TCPConnections open at one time, including those being made; more are reset. Default 1024, which is the limit of
	// files of a Lambda function (AWS Lambda quotas, "File descriptors").
	TCPConnections int
	// UDPFlows open at one time; a new one then replaces the one that was silent for longest. Default 256.
	UDPFlows int
	// UDPIdle is how long a UDP flow may be silent before it is forgotten. Default one minute.
	UDPIdle time.Duration
	// DNSQueries being relayed at one time; more are dropped, as a busy server would. Default 64.
	DNSQueries int
	// FlowsPerSecond is how many TCP connections and UDP flows together, and again how many DNS queries, may start per
	// second, after a burst of the same number; more are dropped, so that TCP tries again a second later. Default 1000.
	FlowsPerSecond int
	// FramesPerSecond is how many frames are taken from a sandbox per second, after a burst of a tenth of it; the rest
	// waits in the socket pair and then in the sandbox. It bounds the CPU time of this process that a flood can take.
	// Default 100000.
	FramesPerSecond int
	// DialTimeout is how long a TCP connection may take to come about before it is reset. Default 30 seconds.
	DialTimeout time.Duration
	// Sockets open at one time for all sandboxes together; beyond it a connection is reset and a datagram dropped.
	// Default: half of the process's limit of open files.
	Sockets int
}

func (l Limits) withDefaults() Limits {
	orInt := func(v *int, def int) {
		if *v <= 0 {
			*v = def
		}
	}
	orDuration := func(v *time.Duration, def time.Duration) {
		if *v <= 0 {
			*v = def
		}
	}
	orInt(&l.TCPConnections, 1024)
	orInt(&l.UDPFlows, 256)
	orDuration(&l.UDPIdle, time.Minute)
	orInt(&l.DNSQueries, 64)
	orInt(&l.FlowsPerSecond, 1000)
	orInt(&l.FramesPerSecond, 100_000)
	orDuration(&l.DialTimeout, 30*time.Second)
	if l.Sockets <= 0 {
		l.Sockets = halfOfOpenFiles()
	}
	return l
}

func halfOfOpenFiles() int {
	const unlimited = 1 << 20
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return 512 // half of the traditional limit
	}
	return int(min(limit.Cur, unlimited) / 2)
}
