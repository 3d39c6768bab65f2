package node

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/netip"
	"path/filepath"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/gateway"
	"thaw.dev/thaw/image"
	"thaw.dev/thaw/runtimes"
	"thaw.dev/thaw/s3"
	"thaw.dev/thaw/sandbox"
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
