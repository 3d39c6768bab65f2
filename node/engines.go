package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"thaw.dev/thaw/egress"
	"thaw.dev/thaw/embedded"
	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/sandbox"
	"thaw.dev/thaw/sandbox/fake"
	"thaw.dev/thaw/sandbox/gvisor"
	"thaw.dev/thaw/sandbox/microvm"
)

// engines are the engines of a server, and the operator's choice among them.
type engines struct {
	policy enginePolicy
	region string
	open   map[string]sandbox.Engine // guarded, by name
}

// of is the engine that fn runs on.
func (e *engines) of(fn *lambda.Config) sandbox.Engine {
	return e.open[e.policy.engine(e.region, fn.Account, fn.Name)]
}

// all are the engines, the standard one first.
func (e *engines) all() []sandbox.Engine {
	var all []sandbox.Engine
	for _, name := range e.policy.engines() {
		all = append(all, e.open[name])
	}
	return all
}

// openEngines opens the engines that functions can get, checks that this host can run each of them, and removes what an
// earlier server left, also of engines that it had and this one has not.
func (n *Node) openEngines(ctx context.Context, c Config, helpers embedded.Paths) (*engines, error) {
	policy, err := readEnginePolicy(c.Engine, c.EngineFor)
	if err != nil {
		return nil, err
	}
	e := &engines{policy: policy, region: c.Region, open: map[string]sandbox.Engine{}}
	network, err := n.openNetwork(c)
	if err != nil {
		return nil, err
	}
	parts := engineParts{c, helpers, network, n.onClose}
	for _, name := range policy.engines() {
		engine, err := parts.open(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("engine %s cannot run on this host, and nothing runs without isolation: %w; see thaw doctor --engine %s", name, err, name)
		}
		n.onClose(func() { _ = engine.Close() })
		if err := usable(engine.Probe(ctx), name); err != nil {
			return nil, err
		}
		if err := engine.Sweep(ctx); err != nil {
			return nil, err
		}
		e.open[name] = sandbox.Guard(engine)
	}
	for _, name := range engineNames {
		if _, err := os.Stat(stateDir(c, name)); err != nil || slices.Contains(policy.engines(), name) {
			continue
		}
		if err := parts.sweep(ctx, name); err != nil {
			c.Logger.Warn("what an earlier server left of an engine could not be removed", "engine", name, "error", err)
		}
	}
	return e, nil
}

// usable says what an engine lacks on this host, by what its probe found.
func usable(checks []sandbox.Check, name string) error {
	var missing []string
	for _, check := range checks {
		if check.Must && !check.OK {
			missing = append(missing, fmt.Sprintf("%s: %s (%s)", check.Name, check.Detail, check.Remedy))
		}
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("engine %s cannot run on this host, and nothing runs without isolation: %s; see thaw doctor --engine %s",
		name, strings.Join(missing, "; "), name)
}

// engineParts is what engines are made of.
type engineParts struct {
	c       Config
	helpers embedded.Paths
	network sandbox.Network
	onClose func(func()) // what is to be done once the engines are closed
}

// stateDir is where an engine keeps what it must find again after a crash; it is the engine's alone.
func stateDir(c Config, engine string) string {
	if engine == gvisor.Name {
		return filepath.Join(c.DataDir, "sandboxes")
	}
	return filepath.Join(c.DataDir, "sandboxes-"+engine)
}

// open makes an engine.
func (p *engineParts) open(ctx context.Context, name string) (sandbox.Engine, error) {
	switch name {
	case gvisor.Name:
		return gvisor.New(p.gvisor())
	case microvm.Name:
		return p.openMachines(ctx)
	case fake.Name:
		return fake.New(fake.Options{}), nil
	}
	return nil, checkEngine(name)
}

// sweep removes what an earlier server left of an engine that this one does not use.
func (p *engineParts) sweep(ctx context.Context, name string) error {
	if name == microvm.Name {
		return microvm.Clear(ctx, p.machines(nil, nil))
	}
	engine, err := p.open(ctx, name)
	if err != nil {
		return err
	}
	return errors.Join(engine.Sweep(ctx), engine.Close())
}

func (p *engineParts) gvisor() gvisor.Options {
	return gvisor.Options{
		StateDir: stateDir(p.c, gvisor.Name), SentryPath: p.helpers.Sentry, CgroupName: cgroupName(p.c.DataDir),
		Network: p.network, Logger: p.c.Logger,
	}
}

// openNetwork opens the way out of sandboxes, which all engines share.
func (n *Node) openNetwork(c Config) (sandbox.Network, error) {
	deny, err := egressPolicy(c.EgressDeny)
	if err != nil {
		return nil, err
	}
	resolvers, err := parseResolvers(c.Resolvers)
	if err != nil {
		return nil, err
	}
	network := egress.New(egress.Options{
		Policy: deny, Resolvers: resolvers, Logger: c.Logger,
		Services: map[netip.AddrPort]egress.Service{insideAPI: n.api.connect, insideCredentials: n.credentials.connect},
	})
	n.onClose(func() { network.Close() })
	return ports{network}, nil
}

// EngineChecks is what Examine found out about one engine.
type EngineChecks struct {
	Engine string
	Checks []sandbox.Check
}

// Examine checks whether this host can run the engines of c, also where Open would fail, and changes nothing. An error
// means that c does not say which they are.
func Examine(ctx context.Context, c Config, helpers embedded.Paths) ([]EngineChecks, error) {
	policy, err := readEnginePolicy(c.Engine, c.EngineFor)
	if err != nil {
		return nil, err
	}
	parts := engineParts{c: c, helpers: helpers}
	var all []EngineChecks
	for _, name := range policy.engines() {
		all = append(all, EngineChecks{name, parts.probe(ctx, name)})
	}
	return all, nil
}

// probe checks what an engine needs.
func (p *engineParts) probe(ctx context.Context, name string) []sandbox.Check {
	switch name {
	case gvisor.Name:
		return gvisor.Probe(ctx, p.gvisor())
	case microvm.Name:
		return p.probeMachines(ctx)
	}
	return nil
}
