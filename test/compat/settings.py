"""Tenants, runtime management and event source mappings with boto3."""

import json
import os
import sys

import boto3

aws = boto3.client("lambda")
ZIP = open("one.zip", "rb").read()


def same(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def refused(error, text, call, **arguments):
    try:
        call(**arguments)
    except aws.exceptions.ClientError as e:
        same("error", (e.response["Error"]["Code"], text in e.response["Error"]["Message"]), (error, True))
    else:
        sys.exit(f"{arguments} was not refused")


def step(name):
    print("step:", name, flush=True)


def create(name, **more):
    aws.create_function(FunctionName=name, Runtime=os.environ["TOUR_RUNTIME"], Handler="app.handler", Role=os.environ["TOUR_ROLE"],
                        Code={"ZipFile": ZIP}, **more)
    aws.get_waiter("function_active_v2").wait(FunctionName=name)


def tenant(id):
    return json.load(aws.invoke(FunctionName="tenants", TenantId=id)["Payload"])


INVALID, MISSING = "InvalidParameterValueException", "ResourceNotFoundException"
create("plain")
create("tenants", TenancyConfig={"TenantIsolationMode": "PER_TENANT"})

step("tenants")
same("configuration", aws.get_function_configuration(FunctionName="tenants")["TenancyConfig"], {"TenantIsolationMode": "PER_TENANT"})
for round in (1, 2, 3):
    for id in ("blue", "green"):
        same("the environment's own", tenant(id), {"tenant": id, "calls": round})
refused(INVALID, "enabled with tenancy", aws.invoke, FunctionName="tenants")
refused(INVALID, "not enabled with tenancy", aws.invoke, FunctionName="plain", TenantId="blue")
refused(INVALID, "SnapStart", aws.update_function_configuration, FunctionName="tenants", SnapStart={"ApplyOn": "PublishedVersions"})
version = aws.publish_version(FunctionName="tenants")["Version"]
refused(INVALID, "tenancy", aws.put_provisioned_concurrency_config, FunctionName="tenants", Qualifier=version, ProvisionedConcurrentExecutions=1)

step("runtime management")
managed = {"FunctionName": "plain"}
same("the default", aws.get_runtime_management_config(**managed)["UpdateRuntimeOn"], "Auto")
arn = aws.get_function_configuration(**managed)["RuntimeVersionConfig"]["RuntimeVersionArn"]
config = aws.put_runtime_management_config(**managed, UpdateRuntimeOn="Manual", RuntimeVersionArn=arn)
same("manual", (config["FunctionArn"][-14:], config["UpdateRuntimeOn"], config["RuntimeVersionArn"]), (":plain:$LATEST", "Manual", arn))
same("manual", aws.get_runtime_management_config(**managed)["RuntimeVersionArn"], arn)
refused(INVALID, "is not available", aws.put_runtime_management_config, **managed, UpdateRuntimeOn="Manual", RuntimeVersionArn=arn[:-1] + "x")
refused(INVALID, "must be specified", aws.put_runtime_management_config, **managed, UpdateRuntimeOn="Manual")
refused(INVALID, "must not be specified", aws.put_runtime_management_config, **managed, UpdateRuntimeOn="Auto", RuntimeVersionArn=arn)
aws.put_runtime_management_config(**managed, UpdateRuntimeOn="FunctionUpdate")
same("on updates", aws.get_runtime_management_config(**managed).get("RuntimeVersionArn"), None)
refused(MISSING, "plain", aws.get_runtime_management_config, **managed, Qualifier="9")

step("event source mappings")
queue, unknown = "arn:aws:sqs:us-east-1:000000000000:q", "7a1c2d3e-0000-4000-8000-000000000000"
refused(INVALID, "no poller for SQS", aws.create_event_source_mapping, FunctionName="plain", EventSourceArn=queue)
refused("ValidationException", "batchSize", aws.create_event_source_mapping, FunctionName="plain", EventSourceArn=queue, BatchSize=10001)
refused(INVALID, "Unrecognized", aws.create_event_source_mapping, FunctionName="plain", EventSourceArn="arn:aws:s3:::b")
refused(MISSING, "nope", aws.create_event_source_mapping, FunctionName="nope", EventSourceArn=queue)
refused(MISSING, "does not exist", aws.get_event_source_mapping, UUID=unknown)
refused(MISSING, "does not exist", aws.update_event_source_mapping, UUID=unknown, Enabled=False)
refused(MISSING, "does not exist", aws.delete_event_source_mapping, UUID=unknown)
same("mappings", aws.list_event_source_mappings(FunctionName="plain", EventSourceArn=queue)["EventSourceMappings"], [])
