package pool

// expire ends an environment whose keep-alive is over, unless an invocation took it in the meantime.
func (p *Pool) expire(e *Environment) {
	p.mu.Lock()
	idle := p.takeIdle(e)
	p.mu.Unlock()
	if idle {
		p.discard(e, CauseKeepAlive)
	}
}

// watch removes an environment whose sandbox ended by itself. A busy one is left to the invocation that meets the end.
func (p *Pool) watch(e *Environment) {
	<-e.sandbox.Done()
	p.mu.Lock()
	e.dead = true
	idle := p.takeIdle(e)
	p.mu.Unlock()
	if idle {
		p.o.Logger.Warn("idle sandbox ended by itself", "function", e.key.name, "sandbox", e.ID(),
			"reason", e.sandbox.ExitStatus().Reason)
		p.discard(e, CauseDied)
	}
}
