"""All operations on durable executions with boto3: FUNCTION ARN TOKEN of an execution whose handler runs."""
import sys

import boto3

function, arn, token = sys.argv[1:]
aws = boto3.client("lambda")


def same(what, got, want):
    assert got == want, "%s is %r, want %r" % (what, got, want)


def refused(error, call, **arguments):
    try:
        call(**arguments)
    except error:
        return
    raise AssertionError("%s succeeded" % call.__name__)


listed = aws.get_paginator("list_durable_executions_by_function").paginate(FunctionName=function, Qualifier="$LATEST", Statuses=["RUNNING"])
assert arn in [e["DurableExecutionArn"] for page in listed for e in page["DurableExecutions"]]
e = aws.get_durable_execution(DurableExecutionArn=arn)
same("status and input", [e["Status"], e["InputPayload"]], ["RUNNING", '"boto3"'])
state = aws.get_durable_execution_state(DurableExecutionArn=arn, CheckpointToken=token)
same("operations", [o["Type"] for o in state["Operations"]], ["EXECUTION"])
callbacks = [{"Id": i, "Type": "CALLBACK", "Action": "START", "CallbackOptions": {"TimeoutSeconds": 500, "HeartbeatTimeoutSeconds": 100}} for i in "ab"]
out = aws.checkpoint_durable_execution(DurableExecutionArn=arn, CheckpointToken=token, Updates=callbacks)
assert out["CheckpointToken"] != token
a, b = [o["CallbackDetails"]["CallbackId"] for o in out["NewExecutionState"]["Operations"]]
refused(aws.exceptions.InvalidParameterValueException, aws.checkpoint_durable_execution, DurableExecutionArn=arn, CheckpointToken=token)
aws.send_durable_execution_callback_heartbeat(CallbackId=a)
aws.send_durable_execution_callback_success(CallbackId=a, Result=b'"yes"')
aws.send_durable_execution_callback_failure(CallbackId=b, Error={"ErrorMessage": "no", "ErrorType": "Refused"})
refused(aws.exceptions.CallbackTimeoutException, aws.send_durable_execution_callback_heartbeat, CallbackId=a)
refused(aws.exceptions.ResourceNotFoundException, aws.send_durable_execution_callback_success, CallbackId="eA==")
aws.stop_durable_execution(DurableExecutionArn=arn, Error={"ErrorMessage": "enough"})
e = aws.get_durable_execution(DurableExecutionArn=arn)
same("status and error", [e["Status"], e["Error"]], ["STOPPED", {"ErrorMessage": "enough"}])
assert e["EndTimestamp"] >= e["StartTimestamp"]
events = [x["EventType"] for page in aws.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn, PaginationConfig={"PageSize": 2}) for x in page["Events"]]
same("history", events, ["ExecutionStarted", "CallbackStarted", "CallbackStarted", "CallbackSucceeded", "CallbackFailed", "ExecutionStopped"])
print("done")
