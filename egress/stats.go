package egress

import "sync/atomic"

// Stats counts what went through one port since it was opened, from the sandbox's point of view.
type Stats struct {
	SentBytes      int64 // bytes of accepted frames from the sandbox, headers included
	SentFrames     int64 // accepted frames from the sandbox
	ReceivedBytes  int64 // bytes of frames to the sandbox, headers included
	ReceivedFrames int64 // frames to the sandbox
	Connections    int64 // TCP connections made, including those of DNS over TCP
	OpenTCP        int64 // TCP connections open now, including those being made
	Flows          int64 // UDP flows made
	OpenFlows      int64 // UDP flows open now
	DNSQueries     int64 // DNS queries relayed over UDP
	Refused        int64 // TCP connections and UDP datagrams the policy refused
	Failed         int64 // TCP connections and UDP flows the destination or the way to it refused
	Limited        int64 // TCP connections, UDP flows and DNS queries beyond a limit
	Dropped        int64 // frames dropped: malformed, not allowed on the link, or the sandbox did not take them
}

type counters struct {
	sentBytes, sentFrames, receivedBytes, receivedFrames atomic.Int64
	connections, openTCP, flows, openFlows, dnsQueries   atomic.Int64
	refused, failed, limited, dropped                    atomic.Int64
}

func (c *counters) snapshot() Stats {
	return Stats{
		SentBytes:      c.sentBytes.Load(),
		SentFrames:     c.sentFrames.Load(),
		ReceivedBytes:  c.receivedBytes.Load(),
		ReceivedFrames: c.receivedFrames.Load(),
		Connections:    c.connections.Load(),
		OpenTCP:        c.openTCP.Load(),
		Flows:          c.flows.Load(),
		OpenFlows:      c.openFlows.Load(),
		DNSQueries:     c.dnsQueries.Load(),
		Refused:        c.refused.Load(),
		Failed:         c.failed.Load(),
		Limited:        c.limited.Load(),
		Dropped:        c.dropped.Load(),
	}
}

func (c *counters) sent(frameBytes int) {
	c.sentFrames.Add(1)
	c.sentBytes.Add(int64(frameBytes))
}

func (c *counters) received(frameBytes int) {
	c.receivedFrames.Add(1)
	c.receivedBytes.Add(int64(frameBytes))
}
