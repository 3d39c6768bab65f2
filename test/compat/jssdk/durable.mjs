// All operations on durable executions with @aws-sdk/client-lambda: FUNCTION ARN TOKEN of an execution whose handler runs.
import assert from "node:assert/strict";
import * as lambda from "@aws-sdk/client-lambda";

const [FunctionName, DurableExecutionArn, CheckpointToken] = process.argv.slice(2);
const aws = new lambda.LambdaClient({});

const list = await aws.send(new lambda.ListDurableExecutionsByFunctionCommand({ FunctionName, StartedAfter: new Date(0) }));
assert.ok(list.DurableExecutions.some((e) => e.DurableExecutionArn === DurableExecutionArn));
let execution = await aws.send(new lambda.GetDurableExecutionCommand({ DurableExecutionArn }));
assert.equal(execution.Status, "RUNNING");
assert.equal(execution.InputPayload, '"JS"');
assert.ok(execution.StartTimestamp instanceof Date);
const state = await aws.send(new lambda.GetDurableExecutionStateCommand({ DurableExecutionArn, CheckpointToken }));
assert.deepEqual(state.Operations.map((o) => o.Type), ["EXECUTION"]);
const Updates = ["a", "b"].map((Id) => ({ Id, Type: "CALLBACK", Action: "START" }));
const out = await aws.send(new lambda.CheckpointDurableExecutionCommand({ DurableExecutionArn, CheckpointToken, Updates }));
const [a, b] = out.NewExecutionState.Operations.map((o) => o.CallbackDetails.CallbackId);
await aws.send(new lambda.SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: a }));
await aws.send(new lambda.SendDurableExecutionCallbackSuccessCommand({ CallbackId: a, Result: Buffer.from('"yes"') }));
await aws.send(new lambda.SendDurableExecutionCallbackFailureCommand({ CallbackId: b, Error: { ErrorMessage: "no" } }));
await assert.rejects(aws.send(new lambda.SendDurableExecutionCallbackHeartbeatCommand({ CallbackId: a })), lambda.CallbackTimeoutException);
const stopped = await aws.send(new lambda.StopDurableExecutionCommand({ DurableExecutionArn, Error: { ErrorMessage: "enough" } }));
assert.ok(stopped.StopTimestamp instanceof Date);
execution = await aws.send(new lambda.GetDurableExecutionCommand({ DurableExecutionArn }));
assert.deepEqual([execution.Status, execution.Error], ["STOPPED", { ErrorMessage: "enough" }]);
const types = [];
for await (const page of lambda.paginateGetDurableExecutionHistory({ client: aws, pageSize: 2 }, { DurableExecutionArn })) {
  types.push(...page.Events.map((e) => e.EventType));
}
assert.deepEqual(types, ["ExecutionStarted", "CallbackStarted", "CallbackStarted", "CallbackSucceeded", "CallbackFailed", "ExecutionStopped"]);
console.log("done");
