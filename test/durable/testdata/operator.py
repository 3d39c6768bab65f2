"""What somebody does from outside, with boto3. It prints one JSON value."""
import json
import os
import sys
import time

import boto3

client = boto3.client("lambda")


def until(arn, event_type, name=None):
    while True:
        for page in client.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn):
            for e in page["Events"]:
                if e["EventType"] == event_type and (name is None or e.get("Name") == name):
                    return e
        if client.get_durable_execution(DurableExecutionArn=arn)["Status"] != "RUNNING":
            raise SystemExit("the execution ended without %s" % event_type)
        time.sleep(0.1)


def start(function, qualifier, event, name):
    out = client.invoke(FunctionName=function, Qualifier=qualifier, InvocationType="Event", Payload=event, DurableExecutionName=name)
    assert out["StatusCode"] == 202, out
    return out["DurableExecutionArn"]


def approve(arn, answer):
    callback = until(arn, "CallbackStarted")["CallbackStartedDetails"]["CallbackId"]
    client.send_durable_execution_callback_success(CallbackId=callback, Result=answer)
    try:
        client.send_durable_execution_callback_success(CallbackId=callback, Result=answer)
    except client.exceptions.CallbackTimeoutException:
        return "once"


def prepare(functions, event):
    arns = {}
    for f in functions.split(","):
        arns[f] = start(f, "$LATEST", event, "order-1")
        assert start(f, "$LATEST", event, "order-1") == arns[f]
    for arn in arns.values():
        assert approve(arn, "granted") == "once"
    for arn in arns.values():
        until(arn, "WaitStarted", "long")
    return arns


def finish(*arns):
    return [ended(arn) for arn in arns]


def ended(arn):
    while True:
        e = client.get_durable_execution(DurableExecutionArn=arn)
        if e["Status"] != "RUNNING":
            events = [x for page in client.get_paginator("get_durable_execution_history").paginate(DurableExecutionArn=arn, PaginationConfig={"PageSize": 7})
                      for x in page["Events"]]
            return {"status": e["Status"], "result": json.loads(e["Result"]) if "Result" in e else None, "error": e.get("Error"),
                    "events": [[x["EventType"], x.get("Name", "")] for x in events]}
        time.sleep(0.1)


command, *args = sys.argv[1:]
print(json.dumps(globals()[command](*args)))
