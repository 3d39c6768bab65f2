package control

import (
	"github.com/google/uuid"

	"thaw.dev/thaw/lambda"
	"thaw.dev/thaw/store"
)

// creating is the text the service gives with reason code Creating, for new functions and for updates alike.
const creating = "The function is being created."

// unprepared reports whether c waits for its preparation.
func unprepared(c *lambda.Config) bool {
	return c.State == lambda.StatePending || c.UpdateStatus == lambda.UpdateInProgress
}

// changeable refuses a function whose state forbids an update.
func (s *Functions) changeable(c *lambda.Config) error {
	switch {
	case c.State != lambda.StateActive:
		return s.notActive(c.State)
	case c.UpdateStatus == lambda.UpdateInProgress:
		return lambda.Errorf(lambda.KindConflict, "The operation cannot be performed at this time. An update is in progress for resource: %s", s.arn(c.Account, c.Name, ""))
	}
	return nil
}

// revision refuses an update meant for another revision than have; want is nil or "" if the caller did not say.
func revision(have string, want *string) error {
	if want == nil || *want == "" || *want == have {
		return nil
	}
	return lambda.Errorf(lambda.KindPrecondition, "The Revision Id provided does not match the latest Revision Id. "+
		"Call the GetFunction/GetAlias API to retrieve the latest Revision Id")
}

// toPending puts a new function into its first state.
func toPending(c *lambda.Config) {
	c.State, c.StateReason, c.StateReasonCode = lambda.StatePending, creating, lambda.ReasonCreating
}

// toInProgress marks an accepted update.
func toInProgress(c *lambda.Config) {
	c.UpdateStatus, c.UpdateReason, c.UpdateReasonCode = lambda.UpdateInProgress, creating, lambda.ReasonCreating
}

// failure is why a preparation did not succeed, in the words the API shows.
type failure struct{ code, reason string }

// settled is f after its preparation: Active or Successful and serving if why is nil, Failed otherwise.
func settled(f store.Function, why *failure) store.Function {
	c := f.Config.Clone()
	fresh := c.State == lambda.StatePending
	c.RevisionID = uuid.NewString()
	switch {
	case why == nil:
		c.State, c.StateReason, c.StateReasonCode = lambda.StateActive, "", ""
		c.UpdateStatus, c.UpdateReason, c.UpdateReasonCode = lambda.UpdateSuccessful, "", ""
	case fresh:
		c.State, c.StateReason, c.StateReasonCode = lambda.StateFailed, why.reason, why.code
		fallthrough
	default:
		c.UpdateStatus, c.UpdateReason, c.UpdateReasonCode = lambda.UpdateFailed, why.reason, why.code
	}
	if why == nil {
		f.Serving = c.Clone()
	}
	f.Config = *c
	return f
}
