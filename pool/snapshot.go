package pool

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/snapshot"
)

// hooksTimeout bounds the runtime hooks before a checkpoint and after a restore. Source: AWS Lambda developer guide,
// "Implement code before or after Lambda function snapshots".
const hooksTimeout = 10 * time.Second

// snapshotSchema is part of every key: a change of how snapshots are made here makes the old ones unknown.
const snapshotSchema = 2

// snapshotKey is the hash of everything an initialised environment of e's function depends on.
func (p *Pool) snapshotKey(e *Environment) string {
	fn := e.Function
	return p.hashOf(&e.launchAs, map[string]any{
		"account": fn.Account, "function": fn.Name, "version": fn.Version, "code": fn.Code.SHA256, "layers": fn.LayerDigests(), "handler": fn.Handler,
		"memory": fn.MemoryMB, "tmp": fn.EphemeralMB, "type": e.initType,
		"variables": e.sharedVariables(),
	})
}

// hashOf is the hash of what all snapshots depend on, and of what this one does.
func (p *Pool) hashOf(l *Launch, what map[string]any) string {
	b, err := json.Marshal(map[string]any{
		"schema": snapshotSchema, "engine": l.Engine.Name(), "fingerprint": l.Engine.Fingerprint(), "image": l.Image, "argv": l.Argv,
		"network": l.Engine.Capabilities().Network, "machine": l.memory, "of": what,
	})
	if err != nil {
		panic(err) // only maps of strings, lists of them, and numbers
	}
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// owner names the version that a snapshot belongs to. None of its parts can have a slash.
func owner(k key) string { return k.account + "/" + k.name + "/" + k.version }

// owned reports whether an owner is this version, or any of the function's if version is empty.
func owned(owner, account, name, version string) bool {
	function := account + "/" + name + "/"
	return strings.HasPrefix(owner, function) && (version == "" || owner == function+version)
}

// findSnapshot pins the snapshot that e could start from, if there is one.
func (p *Pool) findSnapshot(e *Environment) {
	if !p.hasSnapshots(e.launchAs.Engine) || e.sealed || !e.Function.Optimized && !p.o.SnapshotLatest {
		return
	}
	if e.Function.Optimized {
		e.initType = initSnapStart
	}
	e.snapshot = p.o.Snapshots.Use(p.snapshotKey(e))
}

// restore brings up e's sandbox from its snapshot, in an empty slot if there is one.
func (p *Pool) restore(ctx context.Context, e *Environment) error {
	e.Source = SourceSnapshot
	if e.slot == nil {
		if err := p.createFor(ctx, e); err != nil {
			return err
		}
	}
	begin := time.Now()
	if err := errors.Join(e.sandbox.Limit(limits(e.Function)), e.attach(ctx)); err != nil {
		return err
	}
	extensions, err := readExtensions(e.snapshot.Dir())
	if err != nil {
		return err
	}
	e.open()
	e.sayRestoreStart()
	if err := e.wake(ctx, e.snapshot, func(s *link.Session) error {
		e.describe(s)
		return s.Adopt(extensions)
	}); err != nil {
		return err
	}
	for _, s := range extensions.Subscriptions {
		e.journal.Adopt(subscriber(s))
	}
	e.restored = time.Since(begin)
	return nil
}

// wake restores a snapshot in the slot's sandbox and opens the conversation with its agent, prepared by link.Reopen's
// prepare. The files are verified meanwhile: until that is done too nobody relies on what was restored, and what a damaged
// one does stays in the sandbox.
func (s *slot) wake(ctx context.Context, from *snapshot.Snapshot, prepare func(*link.Session) error) error {
	ctx, cancel := context.WithTimeout(ctx, s.launch.allow(bootTimeout))
	defer cancel()
	verified := make(chan error, 1)
	go func() { // ends before this function does
		err := from.Verify()
		if err != nil {
			cancel() // what is restored from damaged files may hang
		}
		verified <- err
	}()
	err := s.sandbox.Restore(ctx, from.Dir())
	if err == nil {
		err = s.greet(ctx, func(ctx context.Context, control, data *os.File) (*link.Session, error) {
			return link.Reopen(ctx, control, data, prepare)
		})
	}
	return errors.Join(<-verified, err)
}

// wakeUp lets the restored runtime know what it is: what is new, fresh randomness, its hooks.
func (p *Pool) wakeUp(e *Environment) error {
	begin := time.Now()
	failure := e.session.Restored(restoration(e.ownVariables()), begin.Add(hooksTimeout))
	e.Cold.Init = e.restored + time.Since(begin)
	e.ready = failure == nil
	e.sayRestored(failure)
	return e.settleInit(failure)
}

// restoration tells a restored runtime what is its own: these variables, and entropy.
func restoration(variables map[string]string) link.Restoration {
	entropy := make([]byte, 32)
	_, _ = rand.Read(entropy) // never fails
	return link.Restoration{Env: variables, Entropy: entropy}
}

// passSnapshot takes an initialised runtime through a snapshot that is not made. A version with SnapStart whose snapshot
// is missing starts like this: its hooks run all the same, and a custom runtime that asked /restore/next gets its answer.
func (e *Environment) passSnapshot(deadline time.Time) error {
	if err := e.session.PrepareSnapshot(deadline); err != nil {
		return err
	}
	return e.session.Restored(restoration(e.ownVariables()), deadline)
}

// Optimise makes the snapshot that environments of this published version start from, unless there is one. It returns
// when the snapshot exists. An error of the function's own init, or of its hooks, is one of package link's; one with
// Kind KindInvalid says that its runtime cannot be snapshotted; any other is ours.
func (p *Pool) Optimise(ctx context.Context, fn *lambda.Config) error {
	fn = fn.Clone()
	fn.Optimized = true
	return p.makeSnapshot(ctx, fn, initSnapStart)
}

// makeSnapshot initialises an environment of fn for the sole purpose of keeping its state.
func (p *Pool) makeSnapshot(ctx context.Context, fn *lambda.Config, initType string) (err error) {
	k := keyOf(fn)
	defer func() {
		p.o.Trace(Event{Kind: EventSnapshot, Account: k.account, Function: k.name, Version: k.version, Runtime: fn.Runtime, Err: err})
	}()
	e, err := p.create(ctx, fn, CauseSnapshot, initType)
	if errors.Is(err, errHaveSnapshot) {
		return nil
	}
	if err != nil {
		return err
	}
	defer func() {
		e.close()
		p.giveUpMemory(e)
	}()
	if e.InitFailure != nil {
		return e.InitFailure
	}
	if all := e.session.Extensions(); len(all) > 0 && initType != initSnapStart {
		// What an extension has been given cannot be replaced, and nobody has asked for copies of it.
		return lambda.Errorf(lambda.KindInvalid, "The function cannot be snapshotted, because the extension %s registered in it.", all[0].Name)
	}
	if err := e.session.PrepareSnapshot(time.Now().Add(hooksTimeout)); err != nil {
		return err
	}
	e.flushTelemetry() // what is on its way would arrive in every copy
	e.DrainOutput()
	draft, err := p.o.Snapshots.Begin(p.snapshotKey(e), owner(k))
	if err != nil {
		return err
	}
	defer draft.Abandon()
	if err := e.sandbox.Checkpoint(ctx, draft.Dir()); err != nil {
		return fmt.Errorf("checkpoint: %w", err)
	}
	if err := writeExtensions(draft.Dir(), e.session.ExtensionState()); err != nil {
		return err
	}
	if err := draft.Commit(); err != nil {
		return err
	}
	p.o.Logger.Info("snapshot made", "account", k.account, "function", k.name, "version", k.version)
	return nil
}

// errHaveSnapshot ends the making of a snapshot that is there.
var errHaveSnapshot = errors.New("there is a snapshot")

// heavyInit is how long an init must take for a snapshot of it to pay, if nobody asked for one: a restore takes some
// 70 ms, making a snapshot and keeping it costs about one more cold start and 10 to 100 MiB of disk.
const heavyInit = 300 * time.Millisecond

// considerSnapshot makes a snapshot in the background after a cold start that would have been quicker with one: of a
// version whose snapshot is missing, and where the operator allows it of every function with a heavy init.
func (p *Pool) considerSnapshot(e *Environment) {
	if !p.hasSnapshots(e.launchAs.Engine) || e.Source == SourceSnapshot || e.InitFailure != nil || e.sealed || e.key.tenant != "" {
		return
	}
	if !e.Function.Optimized && (!p.o.SnapshotLatest || e.Cold.Init < heavyInit || lambda.SnapshotsOffered(e.Function.Runtime) != nil) {
		return
	}
	initType := initOnDemand
	if e.Function.Optimized {
		initType = initSnapStart
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || p.snapshotting[e.key] {
		return
	}
	p.snapshotting[e.key] = true // stays: one that failed is not tried again for this revision
	p.making++
	k, fn := e.key, e.Function
	p.work.Go(func() {
		if err := p.makeSnapshot(p.ctx, fn, initType); err != nil && p.ctx.Err() == nil {
			p.o.Logger.Warn("no snapshot of this function", "function", fn.Name, "version", fn.Version, "error", err)
		}
		p.mu.Lock()
		p.making--
		retired := !p.snapshotting[k]
		p.mu.Unlock()
		if retired { // while it was made
			p.o.Snapshots.Remove(func(o string) bool { return o == owner(k) })
		}
	})
}

// ownVariables are those of the function's variables that differ from environment to environment.
func (e *Environment) ownVariables() map[string]string {
	return map[string]string{
		"AWS_LAMBDA_LOG_GROUP_NAME":  e.Log.Group(),
		"AWS_LAMBDA_LOG_STREAM_NAME": e.Log.Name(),
		"AWS_LAMBDA_METADATA_TOKEN":  e.token,
	}
}

// sharedVariables are the others.
func (e *Environment) sharedVariables() map[string]string {
	v := e.variables()
	maps.DeleteFunc(v, func(name, _ string) bool { _, own := e.ownVariables()[name]; return own })
	return v
}
