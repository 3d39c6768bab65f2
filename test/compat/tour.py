"""The tour with boto3."""

import base64
import functools
import json
import os
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import boto3
from botocore.config import Config
from botocore.exceptions import ClientError

ONE, TWO = (open(name, "rb").read() for name in ("one.zip", "two.zip"))
aws = boto3.client("lambda")


def step(name):
    print("step:", name, flush=True)


def same(what, got, want):
    if got != want:
        sys.exit(f"{what} is {got!r}, want {want!r}")


def refused(error, call, **arguments):
    """The call must fail with error: an exception class of the client or, where it models none, a code."""
    expected = error if isinstance(error, type) else ClientError
    try:
        answer = call(**arguments)
    except expected as e:
        if isinstance(error, str):
            same("the error's code", e.response["Error"]["Code"], error)
        if not e.response["Error"]["Message"]:
            sys.exit(f"{error} has no message")
        same("the number of retries", e.response["ResponseMetadata"]["RetryAttempts"], 0)
    else:
        sys.exit(f"succeeded: {answer}")


def create(name, **more):
    return aws.create_function(
        FunctionName=name, Runtime=os.environ["TOUR_RUNTIME"], Handler="app.handler", Role=os.environ["TOUR_ROLE"],
        Code={"ZipFile": ONE}, MemorySize=128, Timeout=30, **more)


def invoke(event, **more):
    answer = aws.invoke(FunctionName="tour", Payload=json.dumps(event), **more)
    return answer, json.loads(answer["Payload"].read() or "null")


print("boto3", boto3.__version__)
step("identity")
same("account", boto3.client("sts").get_caller_identity()["Account"], "000000000000")

step("account settings")
same("limit", aws.get_account_settings()["AccountLimit"]["ConcurrentExecutions"], 1000)

step("create")
fn = create("tour", Tags={"team": "ice", "tier": "1"}, Environment={"Variables": {"GREETING": "hello"}})
same("status", fn["ResponseMetadata"]["HTTPStatusCode"], 201)
same("state", fn["State"], "Pending")
same("digest", fn["CodeSha256"], os.environ["TOUR_SHA256_ONE"])
same("size", fn["CodeSize"], len(ONE))

step("create again")
refused(aws.exceptions.ResourceConflictException, create, name="tour")

step("wait until active")
aws.get_waiter("function_active_v2").wait(FunctionName="tour")
aws.get_waiter("function_active").wait(FunctionName="tour")
aws.get_waiter("function_exists").wait(FunctionName="tour")

step("get and download")
fn = aws.get_function(FunctionName="tour")
same("state", fn["Configuration"]["State"], "Active")
same("tags", fn["Tags"], {"team": "ice", "tier": "1"})
with urllib.request.urlopen(fn["Code"]["Location"]) as package:
    same("the package is one.zip", package.read() == ONE, True)

step("invoke")
context = base64.b64encode(b'{"custom":{"from":"boto3"}}').decode()
answer, result = invoke({"name": "Grüße, 世界"}, LogType="Tail", ClientContext=context)
same("status", answer["StatusCode"], 200)
same("version", answer["ExecutedVersion"], "$LATEST")
same("error", answer.get("FunctionError"), None)
log = base64.b64decode(answer["LogResult"]).decode()
for part in ("START RequestId: " + answer["ResponseMetadata"]["RequestId"], "version 1 handles {'name': 'Grüße, 世界'}", "REPORT RequestId: "):
    same(f"{part!r} is in {log!r}", part in log, True)
same("result", result, {"version": 1, "event": {"name": "Grüße, 世界"}, "memory": "128", "greeting": "hello", "custom": {"from": "boto3"},
                        "arn": fn["Configuration"]["FunctionArn"]})

step("dry run")
same("status", invoke({}, InvocationType="DryRun")[0]["StatusCode"], 204)

step("function error")
answer, result = invoke({"fail": True})
same("status", answer["StatusCode"], 200)
same("error", answer["FunctionError"], "Unhandled")
same("result", (result["errorType"], result["errorMessage"]), ("ValueError", "on purpose"))

step("update code")
same("digest", aws.update_function_code(FunctionName="tour", ZipFile=TWO)["CodeSha256"], os.environ["TOUR_SHA256_TWO"])
aws.get_waiter("function_updated_v2").wait(FunctionName="tour")
same("version", invoke({})[1]["version"], 2)

step("update configuration")
old = aws.get_function_configuration(FunctionName="tour")["RevisionId"]
fn = aws.update_function_configuration(FunctionName="tour", MemorySize=256, Environment={"Variables": {"GREETING": "bye"}}, RevisionId=old)
same("memory", fn["MemorySize"], 256)
aws.get_waiter("function_updated").wait(FunctionName="tour")
result = invoke({})[1]
same("result", (result["version"], result["memory"], result["greeting"]), (2, "256", "bye"))

step("list in pages")
for name in ("tour-b", "tour-c"):
    create(name)
pages = list(aws.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1}))
same("names", [[f["FunctionName"] for f in page["Functions"]] for page in pages], [["tour"], ["tour-b"], ["tour-c"]])
page = aws.list_functions(MaxItems=2)
same("the first two", [f["FunctionName"] for f in page["Functions"]], ["tour", "tour-b"])
page = aws.list_functions(Marker=page["NextMarker"])
same("the rest", [f["FunctionName"] for f in page["Functions"]], ["tour-c"])
same("a next page", page.get("NextMarker"), None)

step("tags")
arn = fn["FunctionArn"]
aws.tag_resource(Resource=arn, Tags={"owner": "me", "tier": "2"})
aws.untag_resource(Resource=arn, TagKeys=["team"])
same("tags", aws.list_tags(Resource=arn)["Tags"], {"owner": "me", "tier": "2"})

step("concurrency and code signing")
same("concurrency", aws.get_function_concurrency(FunctionName="tour").get("ReservedConcurrentExecutions"), None)
signing = aws.get_function_code_signing_config(FunctionName="tour")
same("code signing", (signing["FunctionName"], signing.get("CodeSigningConfigArn")), ("tour", None))

step("versions")
publish = functools.partial(aws.publish_version, FunctionName="tour")
version = publish()
same("the first version", (version["Version"], version["FunctionArn"]), ("1", arn + ":1"))
same("status", version["ResponseMetadata"]["HTTPStatusCode"], 201)
same("the same again", publish()["RevisionId"], version["RevisionId"])
version = aws.update_function_code(FunctionName="tour", ZipFile=ONE, Publish=True)
same("the second version", (version["Version"], version["FunctionArn"]), ("2", arn + ":2"))
aws.get_waiter("function_updated_v2").wait(FunctionName="tour")
aws.get_waiter("published_version_active").wait(FunctionName="tour", Qualifier="2")
refused(aws.exceptions.InvalidParameterValueException, publish, CodeSha256=os.environ["TOUR_SHA256_TWO"])
refused(aws.exceptions.PreconditionFailedException, publish, RevisionId=version["RevisionId"])
pages = aws.get_paginator("list_versions_by_function").paginate(FunctionName="tour", PaginationConfig={"PageSize": 1})
same("versions", [[v["Version"] for v in page["Versions"]] for page in pages], [["$LATEST"], ["1"], ["2"]])
answer, result = invoke({}, Qualifier="1")
same("version 1", (answer["ExecutedVersion"], result["version"], result["greeting"]), ("1", 2, "bye"))
answer, result = invoke({}, Qualifier="2")
same("version 2", (answer["ExecutedVersion"], result["version"]), ("2", 1))
same("status", aws.delete_function(FunctionName=arn + ":2")["ResponseMetadata"]["HTTPStatusCode"], 204)
refused(aws.exceptions.ResourceNotFoundException, aws.get_function_configuration, FunctionName="tour", Qualifier="2")
same("the next version", publish(Description="third")["Version"], "3")
same("description", aws.get_function(FunctionName="tour:3")["Configuration"]["Description"], "third")

step("reserved concurrency")
same("reserved", aws.put_function_concurrency(FunctionName="tour", ReservedConcurrentExecutions=5)["ReservedConcurrentExecutions"], 5)
same("reserved", aws.get_function_concurrency(FunctionName="tour")["ReservedConcurrentExecutions"], 5)
same("reserved", aws.get_function(FunctionName="tour")["Concurrency"], {"ReservedConcurrentExecutions": 5})
same("unreserved", aws.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"], 995)
refused(aws.exceptions.InvalidParameterValueException, aws.put_function_concurrency, FunctionName="tour", ReservedConcurrentExecutions=901)
aws.put_function_concurrency(FunctionName="tour", ReservedConcurrentExecutions=0)
once = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
try:
    once.invoke(FunctionName="tour")
except once.exceptions.TooManyRequestsException as e:
    same("reason", e.response["Reason"], "ReservedFunctionConcurrentInvocationLimitExceeded")
    same("when to try again", int(e.response["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1, True)
else:
    sys.exit("a function with no concurrency was invoked")
aws.delete_function_concurrency(FunctionName="tour")
same("concurrency", aws.get_function_concurrency(FunctionName="tour").get("ReservedConcurrentExecutions"), None)

step("provisioned concurrency")
qualified = {"FunctionName": "tour", "Qualifier": "1"}
refused(aws.exceptions.ProvisionedConcurrencyConfigNotFoundException, aws.get_provisioned_concurrency_config, **qualified)
refused(aws.exceptions.InvalidParameterValueException, aws.put_provisioned_concurrency_config,
        FunctionName="tour", Qualifier="$LATEST", ProvisionedConcurrentExecutions=1)
config = aws.put_provisioned_concurrency_config(**qualified, ProvisionedConcurrentExecutions=1)
same("status", config["ResponseMetadata"]["HTTPStatusCode"], 202)
same("allocation", (config["RequestedProvisionedConcurrentExecutions"], config["AllocatedProvisionedConcurrentExecutions"], config["Status"]), (1, 0, "IN_PROGRESS"))
deadline = time.monotonic() + 30
while config["Status"] == "IN_PROGRESS" and time.monotonic() < deadline:
    config = aws.get_provisioned_concurrency_config(**qualified)
same("allocation", (config["AvailableProvisionedConcurrentExecutions"], config["AllocatedProvisionedConcurrentExecutions"], config["Status"]), (1, 1, "READY"))
same("version", invoke({}, Qualifier="1")[0]["ExecutedVersion"], "1")
listed = aws.list_provisioned_concurrency_configs(FunctionName="tour")["ProvisionedConcurrencyConfigs"]
same("the list", [(c["FunctionArn"], c["Status"]) for c in listed], [(arn + ":1", "READY")])
aws.delete_provisioned_concurrency_config(**qualified)
refused(aws.exceptions.ProvisionedConcurrencyConfigNotFoundException, aws.get_provisioned_concurrency_config, **qualified)

step("aliases")
live = {"FunctionName": "tour", "Name": "live"}
alias = aws.create_alias(**live, FunctionVersion="1", Description="what all use")
same("status", alias["ResponseMetadata"]["HTTPStatusCode"], 201)
same("the alias", (alias["AliasArn"], alias["FunctionVersion"], alias["Description"], alias.get("RoutingConfig")), (arn + ":live", "1", "what all use", None))
same("the same read", aws.get_alias(**live)["RevisionId"], alias["RevisionId"])
refused(aws.exceptions.ResourceConflictException, aws.create_alias, **live, FunctionVersion="1")
refused(aws.exceptions.ResourceNotFoundException, aws.get_alias, FunctionName="tour", Name="nope")
refused(aws.exceptions.ResourceNotFoundException, aws.create_alias, FunctionName="tour", Name="nope", FunctionVersion="9")
refused("ValidationException", aws.create_alias, FunctionName="tour", Name="1", FunctionVersion="1")
refused(aws.exceptions.ResourceConflictException, aws.delete_function, FunctionName="tour", Qualifier="1")
answer, result = invoke({}, Qualifier="live")
same("by the alias", (answer["ExecutedVersion"], result["version"], result["arn"]), ("1", 2, arn + ":live"))
same("dry run", invoke({}, Qualifier="live", InvocationType="DryRun")[0]["StatusCode"], 204)
shown = aws.get_function_configuration(FunctionName=arn + ":live")
same("the function", (shown["FunctionArn"], shown["Version"]), (arn + ":live", "1"))
moved = aws.update_alias(**live, RoutingConfig={"AdditionalVersionWeights": {"3": 0.5}}, RevisionId=alias["RevisionId"])
same("routing", moved["RoutingConfig"], {"AdditionalVersionWeights": {"3": 0.5}})
refused(aws.exceptions.PreconditionFailedException, aws.update_alias, **live, RevisionId=alias["RevisionId"])
ran = {"1": 0, "3": 0}
for _ in range(100):
    answer, result = invoke({}, Qualifier="live")
    same("the code", result["version"], {"1": 2, "3": 1}[answer["ExecutedVersion"]])
    ran[answer["ExecutedVersion"]] += 1
same(f"that both get about half of {ran}", min(ran.values()) >= 20, True)  # six standard deviations
aws.create_alias(FunctionName="tour", Name="next", FunctionVersion="$LATEST")
pages = aws.get_paginator("list_aliases").paginate(FunctionName="tour", PaginationConfig={"PageSize": 1})
same("aliases", [[a["Name"] for a in page["Aliases"]] for page in pages], [["live"], ["next"]])
same("aliases of version 1", [a["Name"] for a in aws.list_aliases(FunctionName="tour", FunctionVersion="1")["Aliases"]], ["live"])
same("routing", aws.update_alias(**live, RoutingConfig={}).get("RoutingConfig"), None)
by_alias = {"FunctionName": "tour", "Qualifier": "live"}
aws.put_provisioned_concurrency_config(**by_alias, ProvisionedConcurrentExecutions=1)
refused(aws.exceptions.ResourceConflictException, aws.put_provisioned_concurrency_config, **qualified, ProvisionedConcurrentExecutions=1)
aws.update_alias(**live, FunctionVersion="3")
deadline = time.monotonic() + 30
config = aws.get_provisioned_concurrency_config(**by_alias)
while config["Status"] == "IN_PROGRESS" and time.monotonic() < deadline:
    config = aws.get_provisioned_concurrency_config(**by_alias)
same("allocation", (config["AllocatedProvisionedConcurrentExecutions"], config["Status"]), (1, "READY"))
answer, result = invoke({}, Qualifier="live")
same("by the alias", (answer["ExecutedVersion"], result["version"]), ("3", 1))
listed = aws.list_provisioned_concurrency_configs(FunctionName="tour")["ProvisionedConcurrencyConfigs"]
same("the list", [c["FunctionArn"] for c in listed], [arn + ":live"])
aws.delete_provisioned_concurrency_config(**by_alias)
same("status", aws.delete_alias(**live)["ResponseMetadata"]["HTTPStatusCode"], 204)
refused(aws.exceptions.ResourceNotFoundException, aws.invoke, **by_alias)

step("snap start")
snap = aws.update_function_configuration(FunctionName="tour", SnapStart={"ApplyOn": "PublishedVersions"})
same("snap start", snap["SnapStart"], {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"})
aws.get_waiter("function_updated_v2").wait(FunctionName="tour")
version = publish()
same("the new version", (version["Version"], version["State"]), ("4", "Pending"))
aws.get_waiter("published_version_active").wait(FunctionName="tour", Qualifier="4")
snap = aws.get_function_configuration(FunctionName="tour", Qualifier="4")
same("snap start", snap["SnapStart"], {"ApplyOn": "PublishedVersions", "OptimizationStatus": "On"})
answer, result = invoke({"from": "a snapshot"}, Qualifier="4")
same("version 4", (answer["ExecutedVersion"], result["version"], result["event"]), ("4", 1, {"from": "a snapshot"}))
refused(aws.exceptions.InvalidParameterValueException, aws.put_provisioned_concurrency_config,
        FunctionName="tour", Qualifier="4", ProvisionedConcurrentExecutions=1)
aws.update_function_configuration(FunctionName="tour", SnapStart={"ApplyOn": "None"})
aws.get_waiter("function_updated_v2").wait(FunctionName="tour")

step("permissions")
statement = {"FunctionName": "tour", "StatementId": "s3", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
added = json.loads(aws.add_permission(**statement, SourceArn="arn:aws:s3:::bucket", SourceAccount="000000000000")["Statement"])
same("the statement", added, {
    "Sid": "s3", "Effect": "Allow", "Principal": {"Service": "s3.amazonaws.com"}, "Action": "lambda:InvokeFunction", "Resource": arn,
    "Condition": {"StringEquals": {"AWS:SourceAccount": "000000000000"}, "ArnLike": {"AWS:SourceArn": "arn:aws:s3:::bucket"}}})
refused(aws.exceptions.ResourceConflictException, aws.add_permission, **statement)
policy = aws.get_policy(FunctionName="tour")
same("the policy", json.loads(policy["Policy"])["Statement"], [added])
refused(aws.exceptions.PreconditionFailedException, aws.remove_permission, FunctionName="tour", StatementId="s3", RevisionId=old)
aws.remove_permission(FunctionName="tour", StatementId="s3", RevisionId=policy["RevisionId"])
refused(aws.exceptions.ResourceNotFoundException, aws.get_policy, FunctionName="tour")

step("function url")


def visit(url):
    """The status and the body of what is at url. Names below localhost need not resolve here."""
    host = urllib.parse.urlsplit(url).netloc
    request = urllib.request.Request(os.environ["AWS_ENDPOINT_URL"] + "/path", headers={"Host": host})
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, json.loads(answer.read())
    except urllib.error.HTTPError as e:
        return e.code, json.loads(e.read())


config = aws.create_function_url_config(FunctionName="tour", AuthType="NONE", Cors={"AllowOrigins": ["*"]})
url = config["FunctionUrl"]
same("of", config["FunctionArn"], arn)
refused(aws.exceptions.ResourceConflictException, aws.create_function_url_config, FunctionName="tour", AuthType="NONE")
shown = aws.get_function_url_config(FunctionName="tour")
same("the url", (shown["FunctionUrl"], shown["AuthType"], shown["Cors"]), (url, "NONE", {"AllowOrigins": ["*"]}))
same("urls", [u["FunctionUrl"] for u in aws.list_function_url_configs(FunctionName="tour")["FunctionUrlConfigs"]], [url])
same("status", visit(url)[0], 403)
anyone = {"FunctionName": "tour", "Principal": "*"}
aws.add_permission(**anyone, StatementId="url", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE")
aws.add_permission(**anyone, StatementId="invoke", Action="lambda:InvokeFunction", InvokedViaFunctionUrl=True)
status, result = visit(url)
same("the visit", (status, result["version"], result["event"]["rawPath"]), (200, 1, "/path"))
same("authorisation", aws.update_function_url_config(FunctionName="tour", AuthType="AWS_IAM")["AuthType"], "AWS_IAM")
same("status", visit(url)[0], 403)
aws.delete_function_url_config(FunctionName="tour")
refused(aws.exceptions.ResourceNotFoundException, aws.get_function_url_config, FunctionName="tour")
for sid in ("url", "invoke"):
    aws.remove_permission(FunctionName="tour", StatementId=sid)

step("event invoke config")
other = arn + "-b"
refused(aws.exceptions.ResourceNotFoundException, aws.update_function_event_invoke_config, **qualified, MaximumRetryAttempts=1)
refused(aws.exceptions.InvalidParameterValueException, aws.put_function_event_invoke_config, **qualified,
        DestinationConfig={"OnSuccess": {"Destination": arn}})  # its own destination
config = aws.put_function_event_invoke_config(**qualified, MaximumRetryAttempts=0, DestinationConfig={"OnSuccess": {"Destination": other}})
same("the configuration", (config["FunctionArn"], config["MaximumRetryAttempts"], config["DestinationConfig"]),
     (arn + ":1", 0, {"OnSuccess": {"Destination": other}, "OnFailure": {}}))
aws.update_function_event_invoke_config(**qualified, MaximumEventAgeInSeconds=60)
config = aws.get_function_event_invoke_config(**qualified)
same("the configuration", (config["MaximumRetryAttempts"], config["MaximumEventAgeInSeconds"]), (0, 60))
same("the age of the configuration", abs(time.time() - config["LastModified"].timestamp()) < 60, True)
listed = aws.list_function_event_invoke_configs(FunctionName="tour")["FunctionEventInvokeConfigs"]
same("the list", [c["FunctionArn"] for c in listed], [arn + ":1"])

step("asynchronous invocation")
answer = aws.invoke(**qualified, InvocationType="Event", Payload=b'{"name":"later"}')
same("the answer", (answer["StatusCode"], answer["Payload"].read(), answer.get("ExecutedVersion")), (202, b"", None))
same("status", aws.invoke_async(FunctionName="tour-b", InvokeArgs=b'{"name":"old way"}')["Status"], 202)
logs = boto3.client("logs")
wanted = ("handles {'name': 'old way'}", "'condition': 'Success'", "'requestPayload': {'name': 'later'}", answer["ResponseMetadata"]["RequestId"])
log, deadline = "", time.monotonic() + 60
while not all(part in log for part in wanted):  # tour-b gets the record of the first and the event of the second
    if time.monotonic() > deadline:
        sys.exit(f"the log of tour-b is {log!r}, want {wanted} in it")
    try:
        log = "".join(e["message"] for e in logs.filter_log_events(logGroupName="/aws/lambda/tour-b", filterPattern="handles")["events"])
    except logs.exceptions.ResourceNotFoundException:
        continue  # it has not run yet
aws.delete_function_event_invoke_config(**qualified)
refused(aws.exceptions.ResourceNotFoundException, aws.get_function_event_invoke_config, **qualified)

step("recursion and runtime management")
same("recursion", aws.get_function_recursion_config(FunctionName="tour")["RecursiveLoop"], "Terminate")
same("recursion", aws.put_function_recursion_config(FunctionName="tour", RecursiveLoop="Allow")["RecursiveLoop"], "Allow")
same("recursion", aws.get_function_recursion_config(FunctionName="tour")["RecursiveLoop"], "Allow")
aws.put_runtime_management_config(FunctionName="tour", UpdateRuntimeOn="FunctionUpdate")
config = aws.get_runtime_management_config(FunctionName="tour")
same("runtime updates", (config["FunctionArn"], config["UpdateRuntimeOn"]), (arn + ":$LATEST", "FunctionUpdate"))

step("revision that is not the latest")
stale = aws.exceptions.PreconditionFailedException
refused(stale, aws.update_function_configuration, FunctionName="tour", Timeout=5, RevisionId=old)
refused(stale, aws.update_function_code, FunctionName="tour", ZipFile=ONE, RevisionId=old)

step("invalid parameter")
refused(aws.exceptions.InvalidParameterValueException, aws.update_function_configuration,
        FunctionName="tour", Environment={"Variables": {"AWS_REGION": "x"}})
refused("ValidationException", aws.update_function_configuration, FunctionName="tour", Timeout=901)

step("payload too large")
refused(aws.exceptions.RequestTooLargeException, aws.invoke, FunctionName="tour", Payload=open("large.json", "rb").read())

step("unknown function")
missing = aws.exceptions.ResourceNotFoundException
refused(missing, aws.get_function, FunctionName="nope")
refused(missing, aws.invoke, FunctionName="nope")

step("wrong secret key")
refused("InvalidSignatureException", boto3.client("lambda", aws_secret_access_key="wrong", aws_access_key_id=os.environ["AWS_ACCESS_KEY_ID"]).list_functions)

step("unknown access key")
refused("UnrecognizedClientException", boto3.client("lambda", aws_access_key_id="AKIAIOSFODNN7EXAMPLE", aws_secret_access_key="x").list_functions)

step("not implemented yet")
for mode in ("legacy", "standard", "adaptive"):
    patient = boto3.client("lambda", config=Config(retries={"mode": mode, "max_attempts": 5}))
    refused("NotImplementedException", patient.list_capacity_providers)

step("delete")
for name in ("tour", "tour-b", "tour-c"):
    same("status", aws.delete_function(FunctionName=name)["ResponseMetadata"]["HTTPStatusCode"], 204)
refused(missing, aws.get_function, FunctionName="tour")
refused(missing, aws.delete_function, FunctionName="tour")
same("functions", aws.list_functions()["Functions"], [])
