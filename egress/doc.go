// Package egress is the only way out of a sandbox: it carries TCP and UDP from sandboxes to the outside world under one
// policy, without root, network namespaces, address translation or a device on the host.
//
// # What it owns
//
// A Port is one sandbox's network cable. Its guest end, one half of a SEQPACKET socket pair that carries one Ethernet
// frame per message, becomes the sandbox's only network device. At the other half a TCP/IP stack inside this process
// ends every connection the sandbox opens, and ordinary sockets of the host continue it towards the destination. So
// the kernel of the host never sees a packet made by a tenant, only the system calls of this package.
//
// Every sandbox has the same addresses (GuestAddress, Gateway, Nameserver), because every port has a stack of its own:
// sandboxes have no common network on which they could meet.
//
// # What it does not
//
// Nothing listens towards a sandbox except the name server relay: a connection into a sandbox cannot be made. There
// is no IPv6 and no ICMP beyond an answer of the gateway to ping. How a sandbox gets its device is the engine's matter.
//
// # Policy
//
// The host's own addresses, loopback, link-local addresses and the metadata services of clouds are refused, and so is
// what the operator denies; see Policy. A refused TCP connection is reset ("connection refused"), a refused datagram is
// answered with "port unreachable". Names are resolved by the host's own resolvers: the relay at Nameserver sends them
// the queries, wherever they are. Policy looks at addresses, not names, and is applied to every connection, so a name
// that changes its meaning gains nothing. An address that reaches this host through address translation elsewhere (a
// cloud's public address of this machine) looks like any other: operators deny it.
//
// A Service is something of this process that sandboxes reach at an address that lies nowhere. Its connections are made
// within the process: no address of the host is opened for them, and the service knows which sandbox it talks to.
//
// # Life cycle
//
//	New ── Open ──> Port ── File given to the engine ── traffic ── Close
//
// A port costs one goroutine and two descriptors until the first packet that needs the stack; then the stack is made,
// which takes a fraction of a millisecond. It ends, with every connection, when the sandbox closes its end or by Close,
// which returns when nothing of the port runs any more. Freezing a sandbox stops nothing here: connections stay, and
// what does not fit into the socket pair meanwhile is sent again later by TCP, and lost for UDP.
//
// # Trust
//
// Every frame is hostile input. Before the stack sees it, a frame must be plain IPv4 from GuestAddress without options
// or fragments, and TCP, UDP or a ping of the gateway; everything else is dropped (see ingress.go). Limits bounds the
// connections, flows, sockets, memory and packets per second of one sandbox; the number of sockets of all sandboxes is
// bounded too, so that the daemon keeps descriptors for itself.
package egress
