package pool

// makeRoomForTenant needs mu. It decides whether one more environment may be made for a tenant of an account's: at
// Options.TenantEnvironments of them the idle one that is worth least ends; ErrTenants if none is idle. Lambda says how many
// there may be, busy or idle, and not what happens then: that idle ones give way keeps callers from being refused for tenants
// who have gone.
func (p *Pool) makeRoomForTenant(k key) error {
	if k.tenant == "" || p.o.TenantEnvironments <= 0 {
		return nil
	}
	have := 0
	for other, n := range p.alive {
		if other.account == k.account && other.tenant != "" {
			have += n
		}
	}
	for other, n := range p.starting {
		if other.account == k.account && other.tenant != "" {
			have += n
		}
	}
	if have < p.o.TenantEnvironments {
		return nil
	}
	var least *Environment
	for other, es := range p.idle {
		if other.account != k.account || other.tenant == "" {
			continue
		}
		for _, e := range es {
			if least == nil || e.worth < least.worth || e.worth == least.worth && e.since.Before(least.since) {
				least = e
			}
		}
	}
	if least == nil || !p.condemn(least) {
		return ErrTenants
	}
	p.policy.Evicted(least.worth)
	p.destroy(least, CauseEvicted)
	return nil
}
