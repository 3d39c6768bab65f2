package pool

import (
	"cmp"
	"slices"
	"time"

	"thaw.dev/thaw/lambda"
)

// Count is how many environments a function has, of all versions and whatever they do, without those that are being made.
func (p *Pool) Count(account, name string) (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, alive := range p.alive {
		if k.account == account && k.name == name {
			n += alive
		}
	}
	return n
}

// Status describes everything the pool holds. It takes the pool's lock for as long as it takes to copy, and asks the
// engine for the memory that environments use after that.
func (p *Pool) Status() Status {
	s := Status{At: time.Now(), Engine: p.o.Engines[0].Name(), BudgetBytes: p.o.MemoryBudget}
	for _, e := range p.o.Engines {
		c := e.Capabilities()
		s.Engines = append(s.Engines, EngineStatus{Name: e.Name(), Monitor: c.Monitor, Accelerator: c.Accelerator})
	}
	p.mu.Lock()
	s.ReservedBytes = p.used
	s.Snapshots.Making = p.making
	all := make([]*Environment, 0, len(p.live))
	for e := range p.live {
		all = append(all, e)
		state := StateBusy
		switch {
		case e.idle && e.ice.frozen.Load():
			state = StateFrozen
		case e.idle:
			state = StateIdle
		}
		es := EnvironmentStatus{
			ID: e.ID(), Account: e.key.account, Function: e.key.name, Version: e.key.version, Runtime: e.Function.Runtime,
			Engine: e.launchAs.Engine.Name(), State: state, Provisioned: e.Provisioned, Source: e.Source, ReservedBytes: e.reserved,
			Served: int(e.served.Load()), Since: e.since,
		}
		if e.idle {
			es.Until = e.keep
		}
		s.Environments = append(s.Environments, es)
	}
	for k, n := range p.starting {
		for range n {
			s.Environments = append(s.Environments, EnvironmentStatus{
				Account: k.account, Function: k.name, Version: k.version, State: StateStarting,
			})
		}
	}
	for _, st := range p.stocks {
		s.Stocks = append(s.Stocks, StockStatus{
			Kind: st.kind, Runtime: st.launch.Runtime, Engine: st.launch.Engine.Name(), MemoryMB: int(st.launch.memory >> 20),
			Ready: len(st.ready), Filling: st.filling, Target: st.target,
			Reason: st.reason, ReservedBytes: int64(len(st.ready)+st.filling) * st.bytes(),
			Taken: st.taken, Missed: st.missed, Drained: st.drained,
		})
	}
	for k, ws := range p.waiters {
		s.Waiting = append(s.Waiting, WaitingStatus{
			Account: k.account, Function: k.name, Version: k.version, Callers: len(ws), Starting: p.starting[k],
		})
	}
	p.mu.Unlock()
	for i, e := range all {
		if stats, err := e.sandbox.Stats(); err == nil {
			s.Environments[i].UsedBytes = stats.MemoryBytes
		}
	}
	if p.o.Snapshots != nil {
		s.Snapshots.Count, s.Snapshots.Bytes = p.o.Snapshots.Usage()
	}
	slices.SortFunc(s.Environments, func(a, b EnvironmentStatus) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Function, b.Function), cmp.Compare(a.Version, b.Version), cmp.Compare(a.ID, b.ID))
	})
	slices.SortFunc(s.Stocks, func(a, b StockStatus) int {
		return cmp.Or(cmp.Compare(a.Runtime, b.Runtime), cmp.Compare(a.Engine, b.Engine), cmp.Compare(a.MemoryMB, b.MemoryMB), cmp.Compare(a.Kind, b.Kind))
	})
	slices.SortFunc(s.Waiting, func(a, b WaitingStatus) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Function, b.Function), cmp.Compare(a.Version, b.Version))
	})
	return s
}

// FunctionOf returns what the environment in a sandbox serves; nil if there is no such environment.
func (p *Pool) FunctionOf(sandbox string) *lambda.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.inside[sandbox]
}
