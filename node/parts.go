package node

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path/filepath"
	"strings"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/image"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/s3"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/sandbox/gvisor"
)

// helperPrograms writes the embedded programs to the data directory, unless others are configured.
func helperPrograms(c Config) (embedded.Paths, error) {
	if c.Helpers != (embedded.Paths{}) {
		return c.Helpers, nil
	}
	return embedded.Extract(filepath.Join(c.DataDir, "bin"))
}

// OpenRuntimes opens the catalogue of runtimes in the data directory.
func OpenRuntimes(c Config, agent string) (*runtimes.Catalog, error) {
	images, err := image.OpenStore(filepath.Join(c.DataDir, "runtimes", "images"))
	if err != nil {
		return nil, err
	}
	return runtimes.Open(runtimes.Options{
		Dir: filepath.Join(c.DataDir, "runtimes"), Images: images, AgentBinary: agent, Logger: c.Logger,
		Progress: func(runtime, step string) { c.Logger.Info("building runtime image", "runtime", runtime, "step", step) },
	})
}

// openObjects returns what reads code from S3; nil if no store is configured.
func (n *Node) openObjects(c Config) (gateway.Objects, error) {
	if c.S3Endpoint == "" {
		return nil, nil
	}
	objects, err := s3.New(s3.Options{Endpoint: c.S3Endpoint, Region: cmp.Or(c.S3Region, c.Region), Credentials: c.S3Credentials})
	if err != nil {
		return nil, err
	}
	n.onClose(objects.Close)
	return objects, nil
}

// openEngine opens the engine, checks that this host can run it, and removes what an earlier server left.
func (n *Node) openEngine(ctx context.Context, c Config, helpers embedded.Paths) (sandbox.Engine, error) {
	engine, err := n.newEngine(c, helpers)
	if err != nil {
		return nil, err
	}
	n.onClose(func() { _ = engine.Close() })
	var missing []string
	for _, check := range engine.Probe(ctx) {
		if check.Must && !check.OK {
			missing = append(missing, fmt.Sprintf("%s: %s (%s)", check.Name, check.Detail, check.Remedy))
		}
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("engine %s cannot run on this host, and nothing runs without isolation: %s; see thaw doctor",
			c.Engine, strings.Join(missing, "; "))
	}
	return engine, engine.Sweep(ctx)
}

func (n *Node) newEngine(c Config, helpers embedded.Paths) (sandbox.Engine, error) {
	if c.Engine == fake.Name {
		return fake.New(fake.Options{}), nil
	}
	policy, err := egressPolicy(c.EgressDeny)
	if err != nil {
		return nil, err
	}
	resolvers, err := parseResolvers(c.Resolvers)
	if err != nil {
		return nil, err
	}
	network := egress.New(egress.Options{
		Policy: policy, Resolvers: resolvers, Logger: c.Logger,
		Services: map[netip.AddrPort]egress.Service{insideAPI: n.api.connect, insideCredentials: n.credentials.connect},
	})
	n.onClose(func() { network.Close() })
	return gvisor.New(gvisor.Options{
		StateDir: filepath.Join(c.DataDir, "sandboxes"), SentryPath: helpers.Sentry, CgroupName: cgroupName(c.DataDir),
		Network: ports{network}, Logger: c.Logger,
	})
}

// cgroupName is the same for a data directory at each start, so that a start finds what the last one left, and another
// for each server of a host.
func cgroupName(dataDir string) string {
	sum := sha256.Sum256([]byte(dataDir))
	return "thaw-" + hex.EncodeToString(sum[:4])
}

func egressPolicy(deny []string) (egress.Policy, error) {
	var p egress.Policy
	for _, text := range deny {
		prefix, err := netip.ParsePrefix(text)
		if err != nil {
			return p, fmt.Errorf("--egress-deny %s: %w", text, err)
		}
		p.Deny = append(p.Deny, prefix)
	}
	return p, nil
}

func parseResolvers(texts []string) ([]netip.AddrPort, error) {
	var out []netip.AddrPort
	for _, text := range texts {
		addr, err := netip.ParseAddrPort(text)
		if err != nil {
			return nil, fmt.Errorf("--resolver %s: want an address and port such as 192.0.2.1:53", text)
		}
		out = append(out, addr)
	}
	return out, nil
}

// ports gives the engine's sandboxes their network from package egress.
type ports struct{ network *egress.Network }

func (p ports) Connect(id string) (sandbox.Device, error) {
	port, err := p.network.Open(id)
	if err != nil {
		return sandbox.Device{}, err
	}
	l := port.Link()
	return sandbox.Device{
		File: port.File(), Address: l.Address, Gateway: l.Gateway, MAC: l.MAC, MTU: l.MTU,
		Close: func() error { port.Close(); return nil },
	}, nil
}
