// Command durable uses all operations on durable executions: FUNCTION ARN TOKEN of an execution whose handler runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
)

func main() {
	if len(os.Args) != 4 {
		fmt.Fprintln(os.Stderr, "usage: durable FUNCTION ARN TOKEN")
		os.Exit(2)
	}
	if err := run(context.Background(), os.Args[1], &os.Args[2], &os.Args[3]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println("done")
}

func run(ctx context.Context, function string, arn, token *string) error {
	c, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return err
	}
	l := lambda.NewFromConfig(c)
	list, err := l.ListDurableExecutionsByFunction(ctx, &lambda.ListDurableExecutionsByFunctionInput{FunctionName: &function})
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(list.DurableExecutions, func(e types.Execution) bool { return *e.DurableExecutionArn == *arn }) {
		return fmt.Errorf("%s is not in the list", *arn)
	}
	e, err := l.GetDurableExecution(ctx, &lambda.GetDurableExecutionInput{DurableExecutionArn: arn})
	if err != nil {
		return err
	}
	if e.Status != types.ExecutionStatusRunning || *e.InputPayload != `"Go"` {
		return fmt.Errorf("status %s, input %s", e.Status, *e.InputPayload)
	}
	state, err := l.GetDurableExecutionState(ctx, &lambda.GetDurableExecutionStateInput{DurableExecutionArn: arn, CheckpointToken: token})
	if err != nil {
		return err
	}
	if len(state.Operations) != 1 {
		return fmt.Errorf("%d operations", len(state.Operations))
	}
	out, err := l.CheckpointDurableExecution(ctx, &lambda.CheckpointDurableExecutionInput{DurableExecutionArn: arn, CheckpointToken: token, Updates: []types.OperationUpdate{
		{Id: aws.String("a"), Type: types.OperationTypeCallback, Action: types.OperationActionStart},
		{Id: aws.String("b"), Type: types.OperationTypeCallback, Action: types.OperationActionStart},
	}})
	if err != nil {
		return err
	}
	a, b := out.NewExecutionState.Operations[0].CallbackDetails.CallbackId, out.NewExecutionState.Operations[1].CallbackDetails.CallbackId
	if _, err := l.SendDurableExecutionCallbackHeartbeat(ctx, &lambda.SendDurableExecutionCallbackHeartbeatInput{CallbackId: a}); err != nil {
		return err
	}
	if _, err := l.SendDurableExecutionCallbackSuccess(ctx, &lambda.SendDurableExecutionCallbackSuccessInput{CallbackId: a, Result: []byte(`"yes"`)}); err != nil {
		return err
	}
	if _, err := l.SendDurableExecutionCallbackFailure(ctx, &lambda.SendDurableExecutionCallbackFailureInput{CallbackId: b, Error: &types.ErrorObject{ErrorMessage: aws.String("no")}}); err != nil {
		return err
	}
	_, err = l.SendDurableExecutionCallbackHeartbeat(ctx, &lambda.SendDurableExecutionCallbackHeartbeatInput{CallbackId: a})
	if _, ok := errors.AsType[*types.CallbackTimeoutException](err); !ok {
		return fmt.Errorf("a heartbeat of a callback that ended: %w", err)
	}
	if _, err := l.StopDurableExecution(ctx, &lambda.StopDurableExecutionInput{DurableExecutionArn: arn, Error: &types.ErrorObject{ErrorMessage: aws.String("enough")}}); err != nil {
		return err
	}
	h, err := l.GetDurableExecutionHistory(ctx, &lambda.GetDurableExecutionHistoryInput{DurableExecutionArn: arn, ReverseOrder: aws.Bool(true)})
	if err != nil {
		return err
	}
	if len(h.Events) != 6 || h.Events[0].EventType != types.EventTypeExecutionStopped || *h.Events[0].ExecutionStoppedDetails.Error.Payload.ErrorMessage != "enough" {
		return fmt.Errorf("history %+v", h.Events)
	}
	return nil
}
