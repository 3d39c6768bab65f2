package egress

import (
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
)

// ErrClosed is returned by Open after Network.Close.
var ErrClosed = errors.New("egress network is closed")

// Network makes ports for sandboxes and holds what they share: policy, resolvers, and the number of sockets.
type Network struct {
	policy    Policy
	log       *slog.Logger
	limits    Limits
	own       ownAddressCache
	resolvers resolvers
	services  map[netip.AddrPort]Service
	sockets   atomic.Int64 // sockets of the host in use by all ports

	mu     sync.Mutex
	ports  map[string]*Port
	closed bool
}

// New makes a network. It starts nothing; Close releases its ports.
func New(opts Options) *Network {
	log := opts.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	list := opts.HostAddresses
	if list == nil {
		list = interfaceAddresses
	}
	path := opts.ResolvConf
	if path == "" {
		path = "/etc/resolv.conf"
	}
	return &Network{
		policy:    opts.Policy,
		log:       log,
		limits:    opts.Limits.withDefaults(),
		own:       ownAddressCache{list: list, log: log},
		resolvers: resolvers{path: path, fixed: opts.Resolvers, log: log},
		services:  opts.Services,
		ports:     make(map[string]*Port),
	}
}

// Check says whether sandboxes may reach addr now: nil, or an error that wraps ErrRefused and gives the reason. The
// relay at Nameserver is not subject to it.
func (n *Network) Check(addr netip.Addr) error { return n.policy.check(addr, n.own.load()) }

// Open makes the port of the sandbox id. It fails with ErrClosed after Close, if the sandbox has a port already, or
// for want of file descriptors. The caller closes the port.
func (n *Network) Open(id string) (*Port, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		return nil, fmt.Errorf("open port %s: %w", id, ErrClosed)
	}
	if _, ok := n.ports[id]; ok {
		return nil, fmt.Errorf("open port %s: it is open already", id)
	}
	p, err := newPort(n, id)
	if err != nil {
		return nil, fmt.Errorf("open port %s: %w", id, err)
	}
	n.ports[id] = p
	return p, nil
}

// Close closes all ports and waits for them. Idempotent.
func (n *Network) Close() error {
	n.mu.Lock()
	n.closed = true
	ports := make([]*Port, 0, len(n.ports))
	for _, p := range n.ports {
		ports = append(ports, p)
	}
	n.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range ports {
		wg.Go(func() { p.Close() })
	}
	wg.Wait()
	return nil
}

func (n *Network) forget(p *Port) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.ports[p.id] == p {
		delete(n.ports, p.id)
	}
}

// takeSocket reserves one of the host's sockets; giveSocket returns it.
func (n *Network) takeSocket() bool {
	if n.sockets.Add(1) > int64(n.limits.Sockets) {
		n.sockets.Add(-1)
		return false
	}
	return true
}

func (n *Network) giveSocket() { n.sockets.Add(-1) }
