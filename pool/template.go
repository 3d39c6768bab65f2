package pool

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"

	"thaw.dev/thaw/snapshot"
)

// A template is the snapshot of a hot slot: a runtime that is up and warm and has no function. It serves cold starts that
// find no hot slot: restoring it takes a fraction of the time and CPU that booting takes. Hot slots themselves are booted,
// because nobody waits for them, a booted one answers its first request sooner, and it has a hash seed of its own. Where
// machines are emulated that is worth less than what it costs, five seconds of a processor and memory that no other slot
// shares: there hot slots are copies of the template, too.

// templateKey is the hash of everything a template depends on.
func (p *Pool) templateKey(l *Launch) string {
	return p.hashOf(l, map[string]any{"variables": baseVariables(*l)})
}

func templateOwner(l *Launch) string { return "template/" + l.Runtime + "/" + l.Image }

// considerTemplate needs mu. It has the template made that serves when s, a stock of hot slots, is empty, unless that was
// tried before.
func (p *Pool) considerTemplate(s *stock) {
	if !s.launch.Template || s.templated || !p.hasSnapshots(s.launch.Engine) {
		return
	}
	s.templated = true
	p.making++
	p.work.Go(func() {
		p.tryTemplate(p.ctx, s)
		p.mu.Lock()
		p.making--
		p.mu.Unlock()
	})
}

// tryTemplate makes the template; without one, runtimes are booted.
func (p *Pool) tryTemplate(ctx context.Context, s *stock) {
	if err := p.makeTemplate(ctx, s); err != nil && ctx.Err() == nil {
		p.o.Logger.Warn("no template of this runtime", "runtime", s.launch.Runtime, "error", err)
	}
}

// copyTemplate prepares a slot for s by restoring the template, which the first one makes. nil says that s has to be booted.
func (p *Pool) copyTemplate(ctx context.Context, s *stock) *slot {
	if !s.launch.emulated() || !s.launch.Template || !p.hasSnapshots(s.launch.Engine) {
		return nil
	}
	p.mu.Lock()
	first := !s.templated
	s.templated = true
	p.mu.Unlock()
	if first {
		p.tryTemplate(ctx, s)
	}
	t := p.o.Snapshots.Use(p.templateKey(&s.launch))
	if t == nil {
		return nil
	}
	defer p.o.Snapshots.Done(t)
	slot := &slot{launch: s.launch, held: s.bytes()}
	err := slot.create(ctx, t.Dir(), stockTmpBytes, stockLimits())
	if err == nil {
		err = slot.wake(ctx, t, nil)
	}
	if err == nil {
		err = slot.wakeRuntime(true)
	}
	if err == nil {
		return slot
	}
	slot.close()
	if ctx.Err() == nil {
		p.o.Logger.Warn("runtime's template could not be restored; starting without", "runtime", s.launch.Runtime, "error", err)
		p.o.Snapshots.Spoil(t)
	}
	return nil
}

// makeTemplate keeps the state of a hot slot, unless there is a template of its runtime already.
func (p *Pool) makeTemplate(ctx context.Context, s *stock) (err error) {
	key := p.templateKey(&s.launch)
	if p.o.Snapshots.Has(key) {
		return nil
	}
	slot, err := p.bootRuntime(ctx, s)
	if err != nil {
		return err
	}
	defer slot.close()
	if err := slot.session.PrepareSnapshot(time.Now().Add(hooksTimeout)); err != nil {
		return err
	}
	draft, err := p.o.Snapshots.Begin(key, templateOwner(&s.launch))
	if err != nil {
		return err
	}
	defer draft.Abandon()
	if err := slot.sandbox.Checkpoint(ctx, draft.Dir()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	return draft.Commit()
}

// templateDir is where the template of an empty slot's runtime is, if there is one: what it will most probably be restored
// from.
func (p *Pool) templateDir(l *Launch) string {
	if !p.hasSnapshots(l.Engine) || !l.Template {
		return ""
	}
	t := p.o.Snapshots.Use(p.templateKey(l))
	if t == nil {
		return ""
	}
	defer p.o.Snapshots.Done(t)
	return t.Dir()
}

// template pins the template that e could start from; nil if there is none or it is of no use to e.
func (p *Pool) template(e *Environment) *snapshot.Snapshot {
	if !p.hasSnapshots(e.launchAs.Engine) || !e.launchAs.Template || e.launchAs.OwnStart || e.sealed {
		return nil
	}
	if mb := e.Function.EphemeralMB; mb != 0 && mb != stockTmpBytes>>20 {
		return nil
	}
	return p.o.Snapshots.Use(p.templateKey(&e.launchAs))
}

// wakeRuntime tells a template's runtime that it is a copy. With rehearse it warms up again: the emulator's translations are
// not part of a snapshot.
func (s *slot) wakeRuntime(rehearse bool) error {
	r := restoration(nil)
	r.Rehearse = rehearse
	err := s.session.Restored(r, time.Now().Add(s.launch.allow(hooksTimeout)))
	s.running = err == nil
	return err
}

// bringUp is place's last step: it brings up e's agent, and where there is a template its runtime too, while the code is
// attached. A template that fails is dropped, and the slot with it.
func (p *Pool) bringUp(ctx context.Context, e *Environment) error {
	t := p.template(e)
	if t == nil {
		return e.boot(ctx)
	}
	defer p.o.Snapshots.Done(t)
	var attaching errgroup.Group // waited for before this function ends
	meanwhile, giveUp := context.WithCancel(ctx)
	defer giveUp()
	err := e.wake(ctx, t, nil)
	if err == nil {
		attaching.Go(func() error { return e.attachOnce(meanwhile) })
		err = e.wakeRuntime(false)
	}
	if err != nil {
		giveUp()
	}
	if failure := attaching.Wait(); err == nil || ctx.Err() != nil {
		return cmp.Or(err, failure)
	}
	p.o.Logger.Warn("runtime's template could not be restored; starting without", "runtime", e.launchAs.Runtime, "error", err)
	p.o.Snapshots.Spoil(t)
	e.slot.close()
	e.Source, e.attached = SourceNone, false
	if err := p.createFor(ctx, e); err != nil {
		return err
	}
	return e.boot(ctx)
}
