package pool

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"strings"
	"time"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/telemetry"
)

// runtimeOnly are withheld from extensions, besides those whose name begins with an underscore: they describe the
// runtime. Source: AWS Lambda Extensions API.
var runtimeOnly = []string{
	"AWS_EXECUTION_ENV", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME", "LAMBDA_TASK_ROOT", "LAMBDA_RUNTIME_DIR",
}

// Extensions are those that registered in the last init, also a failed one until Reset.
func (e *Environment) Extensions() []link.Extension { return e.session.Extensions() }

// Extended reports whether an extension has registered.
func (e *Environment) Extended() bool { return e.session.ShutdownBudget() > 0 }

// Announces reports whether extensions are told of invocations, which are over when they are through with them, too.
func (e *Environment) Announces() bool { return e.session.Announces() }

// extend starts the external extensions, if there can be any, and waits until they have registered: only layers bring
// them.
func (e *Environment) extend(deadline time.Time) error {
	if len(e.Function.Layers) == 0 {
		return nil
	}
	return e.session.Extend(link.ExtendRequest{
		Env:       flatten(extensionVariables(e.variables())),
		UID:       userID,
		GID:       groupID,
		OpenFiles: lambda.MaxOpenFiles,
		Processes: lambda.MaxProcesses,
		TmpBytes:  int64(e.Function.EphemeralMB) << 20,
	}, deadline)
}

// extensionVariables are what extensions get of the runtime's variables.
func extensionVariables(all map[string]string) map[string]string {
	out := maps.Clone(all)
	maps.DeleteFunc(out, func(name, _ string) bool { return strings.HasPrefix(name, "_") })
	for _, name := range runtimeOnly {
		delete(out, name)
	}
	return out
}

// describe lets code inside ask what it is part of.
func (e *Environment) describe(session *link.Session) {
	session.Accept(e)
	session.Printed(func(line []byte) {
		text := string(line)
		e.Log.Line(text)
		e.journal.Line(telemetry.ClassExtension, time.Now(), text)
	})
	session.Describe(link.Description{
		Function: e.Function.Name, Version: e.Function.Version, Handler: e.Function.Handler, Account: e.Function.Account,
		Zone: e.zone, Token: e.token, Passing: e.sealed,
	})
}

// newToken makes the token that guards the metadata. A custom runtime cannot be given another after a restore, nor can an
// extension, which only layers bring: those that start from one snapshot share theirs.
func (e *Environment) newToken(p *Pool) string {
	if e.initType == initSnapStart && (e.launchAs.Kind == link.KindHTTP || len(e.Function.Layers) > 0) {
		sum := sha256.Sum256([]byte("metadata of " + p.snapshotKey(e)))
		return hex.EncodeToString(sum[:])
	}
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// spinDown is the shutdown phase of an environment that is about to be destroyed: runtime and extensions get the time to
// end that Lambda gives them. Without extensions there is none.
func (e *Environment) spinDown(cause Cause) {
	if cause == CauseBroken || cause == CauseDied || !e.Extended() {
		return
	}
	if err := e.wakeFor(freezeTimeout); err != nil {
		return // it ends all the same
	}
	e.flushTelemetry()
	_ = e.session.Shutdown(link.ReasonSpindown) // what is left is killed
	e.DrainOutput()
}

// wakeFor lets a frozen environment go on that no invocation will have.
func (e *Environment) wakeFor(timeout time.Duration) error {
	e.ice.mu.Lock()
	defer e.ice.mu.Unlock()
	if !e.ice.frozen.Load() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	if err := e.sandbox.Resume(ctx); err != nil {
		return err
	}
	e.ice.frozen.Store(false)
	return nil
}
