package egress

import "net/netip"

// ResolversOf shows whom a network would ask for names now.
func ResolversOf(n *Network) []netip.AddrPort { return n.resolvers.list() }

// Classify shows whether a frame from a sandbox would reach the stack.
func Classify(frame []byte) (toStack bool) { return classify(frame) == frameIPv4 }

// BufferSize shows the size of a connection's buffers.
func BufferSize(number int64) int64 { return bufferSize(number) }
