package gateway

import (
	"net/http"

	"thaw.dev/thaw/api"
	"thaw.dev/thaw/durable"
	"thaw.dev/thaw/lambda"
)

// checkpointAnswer is the answer of CheckpointDurableExecution.
type checkpointAnswer struct {
	CheckpointToken   string
	NewExecutionState struct {
		Operations []durable.Shown
	}
}

func (c *call) checkpointDurableExecution() error {
	var in api.CheckpointRequest
	if err := api.Decode(c.body, &in); err != nil {
		return err
	}
	if err := in.Check(c.label(0)); err != nil {
		return err
	}
	ref, err := c.execution()
	if err != nil {
		return err
	}
	updates := make([]durable.Update, len(in.Updates))
	for i := range in.Updates {
		if updates[i], err = c.update(&in.Updates[i]); err != nil {
			return err
		}
	}
	out, err := c.executions.Checkpoint(c.r.Context(), ref, durable.Checkpoint{
		Token: *in.CheckpointToken, ClientToken: value(in.ClientToken), Updates: updates,
	})
	if err != nil {
		return err
	}
	answer := checkpointAnswer{CheckpointToken: out.Token}
	answer.NewExecutionState.Operations = shownOperations(out.Operations)
	return c.json(http.StatusOK, answer)
}

// update decodes one update, whose form was checked.
func (c *call) update(in *api.OperationUpdate) (durable.Update, error) {
	u := durable.Update{
		ID: *in.Id, Parent: value(in.ParentId), Name: value(in.Name), SubType: value(in.SubType),
		Type: durable.OperationType(*in.Type), Action: durable.Action(*in.Action), Payload: in.Payload, Error: (*durable.Error)(in.Error),
	}
	if o := in.ContextOptions; o != nil {
		u.ReplayChildren = is(o.ReplayChildren)
	}
	if o := in.StepOptions; o != nil && o.NextAttemptDelaySeconds != nil {
		u.RetrySeconds = *o.NextAttemptDelaySeconds
	}
	if o := in.WaitOptions; o != nil && o.WaitSeconds != nil {
		u.WaitSeconds = *o.WaitSeconds
	}
	if o := in.CallbackOptions; o != nil {
		if o.TimeoutSeconds != nil {
			u.TimeoutSeconds = *o.TimeoutSeconds
		}
		if o.HeartbeatTimeoutSeconds != nil {
			u.HeartbeatSeconds = *o.HeartbeatTimeoutSeconds
		}
	}
	o := in.ChainedInvokeOptions
	if o == nil {
		return u, nil
	}
	target, ok := lambda.ParseFunctionRef(*o.FunctionName)
	if !ok {
		return u, lambda.Errorf(lambda.KindInvalid, "Invalid function ARN '%.256s'", *o.FunctionName)
	}
	u.Chained = &durable.Chained{Function: target, Named: *o.FunctionName, Tenant: value(o.TenantId), Trace: o.XAmznTraceId}
	if u.Type == durable.TypeChainedInvoke && u.Action == durable.ActionStart {
		u.Chained.Denied = c.mayNotInvoke(target)
	}
	return u, nil
}

// mayNotInvoke is why the caller, an execution's role, may not invoke a function of its account; "" if it may.
func (c *call) mayNotInvoke(target lambda.FunctionRef) string {
	err := c.allowFunction(actionInvoke, c.caller.AccountID, target.Name, target.Qualifier)
	if lambda.KindOf(err) == lambda.KindDenied {
		return err.Error()
	}
	return "" // of what is not there the execution hears otherwise
}
