package control

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/link"
	"thaw.dev/thaw/store"
)

// minOptimiseTimeout is how long the init of a version with SnapStart may take, or as long as the function's timeout if
// that is more. Source: AWS Lambda developer guide, "Lambda execution environment lifecycle", Init phase.
const minOptimiseTimeout = 130 * time.Second

// prepareVersion makes a Pending version runnable, its snapshot included, and records the outcome. When ctx ends, because
// of a deletion or of Close, it leaves the record alone.
func (s *Functions) prepareVersion(ctx context.Context, k key) {
	v, ok := s.version(k.account, k.name, k.version)
	if !ok || v.Config.State != lambda.StatePending {
		return
	}
	log := s.log.With("account", k.account, "function", k.name, "version", k.version)
	start := time.Now()
	done := settledVersion(v)
	why, broken := s.build(ctx, &done.Config)
	if why == nil && done.Config.Optimized {
		why, broken = s.optimise(ctx, &done.Config)
	}
	if why != nil {
		c := &done.Config
		c.Optimized, c.UpdateStatus = false, ""
		c.State, c.StateReason, c.StateReasonCode = lambda.StateFailed, why.reason, why.code
	}
	stored := false
	insist(ctx, log, func() error {
		_, err := s.store.UpdateVersion(ctx, *done)
		if stored = err == nil; errors.Is(err, store.ErrStale) {
			return nil // deleted
		}
		return err
	})
	switch {
	case !stored && ctx.Err() != nil && s.exists(k):
		return // closing: the next start begins again
	case !stored:
		s.discard(k.account, k.name, k.version) // the snapshot, if there is one, came too late
		return
	case broken != nil:
		log.Error("version could not be prepared", "err", broken)
	case why != nil:
		log.Warn("version is not runnable", "reason_code", why.code, "reason", why.reason)
	default:
		log.Info("version is ready", "dur_ms", time.Since(start).Milliseconds())
	}
	s.expect(k.account, k.name, k.version)
}

// exists reports whether the store still has the version.
func (s *Functions) exists(k key) bool {
	_, ok := s.version(k.account, k.name, k.version)
	return ok
}

// settledVersion is v as it will be once it was prepared. Its revision follows from that of v: if a crash comes between
// a snapshot and its record, the next attempt makes a snapshot of the same revision.
func settledVersion(v *store.Version) *store.Version {
	done := *v
	done.Config = *v.Config.Clone()
	c := &done.Config
	c.State, c.StateReason, c.StateReasonCode = lambda.StateActive, "", ""
	c.UpdateStatus = lambda.UpdateSuccessful
	c.Optimized = c.SnapStart == lambda.SnapStartPublishedVersions
	c.RevisionID = uuid.NewSHA1(uuid.NameSpaceOID, []byte(v.Config.RevisionID)).String()
	return &done
}

// optimise has the version's snapshot made. Results as build's.
func (s *Functions) optimise(ctx context.Context, c *lambda.Config) (*failure, error) {
	ctx, cancel := context.WithTimeout(ctx, s.prepareTimeout+max(minOptimiseTimeout, c.TimeoutDuration()))
	defer cancel()
	err := s.slots.Optimise(ctx, c)
	if err == nil {
		return nil, nil
	}
	if why := initFailure(err); why != nil {
		return why, nil
	}
	return explain(err, lambda.ReasonFunctionError)
}

// initFailure tells how the function's init failed; nil if err is something else. Source of the codes: Lambda API,
// "StateReasonCode".
func initFailure(err error) *failure {
	if e, ok := errors.AsType[*link.InitError](err); ok {
		return &failure{lambda.ReasonRuntimeInitError, initText(e)}
	}
	if e, ok := errors.AsType[*link.ExitError](err); ok {
		if e.StartError != "" {
			return &failure{lambda.ReasonInvalidEntryPoint, shorten(e.Error())}
		}
		return &failure{lambda.ReasonRuntimeInitError, shorten(e.Error())}
	}
	if errors.Is(err, link.ErrTimeout) {
		return &failure{lambda.ReasonInitTimeout, "The function did not finish its init in time."}
	}
	return nil
}

// initText is what the runtime said of a failed init, as far as it has the usual form, and bounded.
func initText(e *link.InitError) string {
	var said struct {
		Type    string `json:"errorType"`
		Message string `json:"errorMessage"`
	}
	if err := json.Unmarshal(e.Payload, &said); err != nil || said.Message == "" {
		return shorten(strings.ToValidUTF8(e.Error(), "?"))
	}
	return shorten(said.Type + ": " + said.Message)
}
