"""What scripts and tools do with CloudWatch Logs, through boto3 and the AWS CLI."""

import json
import os
import subprocess
import sys
import threading
import time

import boto3
from botocore.config import Config

logs = boto3.client("logs", config=Config(inject_host_prefix=False))
aws = boto3.client("lambda")


def same(what, got, want):
    if got != want:
        sys.exit(f"{what}: got {got!r}, want {want!r}")


def refused(error, call, **arguments):
    try:
        call(**arguments)
    except logs.exceptions.ClientError as e:
        same("error", e.response["Error"]["Code"], error)
        same("status", e.response["ResponseMetadata"]["HTTPStatusCode"], 400)
    else:
        sys.exit(f"{arguments} was not refused")


def step(name):
    print("step:", name, flush=True)


def cli(*arguments):
    return subprocess.run(["aws", *arguments], check=True, capture_output=True, text=True).stdout


def says(word):
    aws.invoke(FunctionName="tour", Payload=json.dumps({"say": word}))


GROUP, MADE = "/aws/lambda/tour", "/made/by-hand"
ARN = "arn:aws:logs:us-east-1:000000000000:log-group:"

step("groups")
refused("ResourceNotFoundException", logs.describe_log_streams, logGroupName=MADE)
logs.create_log_group(logGroupName=MADE, tags={"team": "ice"})
refused("ResourceAlreadyExistsException", logs.create_log_group, logGroupName=MADE)
refused("InvalidParameterException", logs.create_log_group, logGroupName="a b")
refused("InvalidParameterException", logs.create_log_group, logGroupName="/kms", kmsKeyId="arn:aws:kms:us-east-1:000000000000:key/1")
aws.create_function(FunctionName="tour", Runtime=os.environ["TOUR_RUNTIME"], Handler="app.handler", Role=os.environ["TOUR_ROLE"],
                    Code={"ZipFile": open("one.zip", "rb").read()})
aws.get_waiter("function_active_v2").wait(FunctionName="tour")
says("first")
groups = logs.describe_log_groups()["logGroups"]
same("groups", [(g["logGroupName"], g["arn"], g["logGroupArn"], g["logGroupClass"]) for g in groups],
     [(n, ARN + n + ":*", ARN + n, "STANDARD") for n in (GROUP, MADE)])
same("recent", all(abs(g["creationTime"] / 1000 - time.time()) < 60 for g in groups), True)
same("by prefix", [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePrefix="/made")["logGroups"]], [MADE])
same("by pattern", [g["logGroupName"] for g in logs.describe_log_groups(logGroupNamePattern="hand")["logGroups"]], [MADE])
pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 1})
same("in pages", [[g["logGroupName"] for g in p["logGroups"]] for p in pages], [[GROUP], [MADE]])

step("tags and retention")
logs.tag_resource(resourceArn=ARN + MADE, tags={"tier": "1"})
logs.untag_resource(resourceArn=ARN + MADE, tagKeys=["team"])
same("tags", logs.list_tags_for_resource(resourceArn=ARN + MADE)["tags"], {"tier": "1"})
logs.tag_log_group(logGroupName=MADE, tags={"old": "way"})
logs.untag_log_group(logGroupName=MADE, tags=["tier"])
same("tags", logs.list_tags_log_group(logGroupName=MADE)["tags"], {"old": "way"})
refused("InvalidParameterException", logs.put_retention_policy, logGroupName=MADE, retentionInDays=2)
refused("ResourceNotFoundException", logs.put_retention_policy, logGroupName="/none", retentionInDays=1)
logs.put_retention_policy(logGroupName=MADE, retentionInDays=3)
same("retention", logs.describe_log_groups(logGroupNamePrefix=MADE)["logGroups"][0]["retentionInDays"], 3)

step("streams and events")
now = int(time.time() * 1000)
stream = {"logGroupName": MADE, "logStreamName": "s/1"}
refused("ResourceNotFoundException", logs.put_log_events, **stream, logEvents=[{"timestamp": now, "message": "m"}])
logs.create_log_stream(**stream)
refused("ResourceAlreadyExistsException", logs.create_log_stream, **stream)
answer = logs.put_log_events(**stream, logEvents=[{"timestamp": now - 4 * 86400_000 + i, "message": f"expired {i}"} for i in range(2)])
same("rejected", answer["rejectedLogEventsInfo"], {"expiredLogEventEndIndex": 2})
same("a token", "nextSequenceToken" in answer, True)
logs.put_log_events(**stream, logEvents=[{"timestamp": now - 100 + i, "message": json.dumps({"level": "ERROR" if i % 2 else "INFO", "n": i})} for i in range(10)])
refused("InvalidParameterException", logs.put_log_events, **stream, logEvents=[{"timestamp": now, "message": "b"}, {"timestamp": now - 1, "message": "a"}])
logs.create_log_stream(logGroupName=MADE, logStreamName="empty")
streams = logs.describe_log_streams(logGroupName=MADE)["logStreams"]
same("streams", [s["logStreamName"] for s in streams], ["empty", "s/1"])
same("times", (streams[1]["firstEventTimestamp"], streams[1]["lastEventTimestamp"], "lastEventTimestamp" in streams[0]), (now - 100, now - 91, False))
streams = logs.describe_log_streams(logGroupName=MADE, orderBy="LastEventTime", descending=True, limit=1)
same("the last", [s["logStreamName"] for s in streams["logStreams"]], ["s/1"])
same("and the one before", logs.describe_log_streams(logGroupName=MADE, orderBy="LastEventTime", descending=True,
                                                     nextToken=streams["nextToken"])["logStreams"][0]["logStreamName"], "empty")
refused("InvalidParameterException", logs.describe_log_streams, logGroupName=MADE, orderBy="LastEventTime", logStreamNamePrefix="s")

step("get")
page = logs.get_log_events(**stream, startFromHead=True, limit=6)
same("six", [json.loads(e["message"])["n"] for e in page["events"]], list(range(6)))
page = logs.get_log_events(**stream, nextToken=page["nextForwardToken"])
same("four", len(page["events"]), 4)
end = logs.get_log_events(**stream, nextToken=page["nextForwardToken"])
same("the end", (end["events"], end["nextForwardToken"]), ([], page["nextForwardToken"]))
same("the last", [json.loads(e["message"])["n"] for e in logs.get_log_events(**stream, limit=3)["events"]], [7, 8, 9])
refused("InvalidParameterException", logs.get_log_events, **stream, nextToken="nonsense")
refused("ResourceNotFoundException", logs.get_log_events, logGroupName=MADE, logStreamName="none")


def found(pattern):
    return [json.loads(e["message"])["n"] for e in logs.filter_log_events(logGroupName=MADE, filterPattern=pattern)["events"]]


step("filter")
same("words", found("ERROR"), [1, 3, 5, 7, 9])
same("JSON", found('{ $.level = "INFO" && $.n >= 4 }'), [4, 6, 8])
same("by ARN", [json.loads(e["message"])["n"] for e in logs.filter_log_events(
    logGroupIdentifier=ARN + MADE, filterPattern="{ $.n = 4 || $.n = 5 }")["events"]], [4, 5])
pages = logs.get_paginator("filter_log_events").paginate(logGroupName=MADE, interleaved=True, PaginationConfig={"PageSize": 4})
same("in pages", [len(p["events"]) for p in pages], [4, 4, 2])
refused("InvalidParameterException", logs.filter_log_events, logGroupName=MADE, filterPattern="{ $.x }")
refused("ResourceNotFoundException", logs.filter_log_events, logGroupName="/none")
refused("ResourceNotFoundException", logs.filter_log_events, logGroupIdentifier="arn:aws:logs:us-east-1:111111111111:log-group:" + MADE)

step("live tail")
heard = []
response = logs.start_live_tail(logGroupIdentifiers=[ARN + GROUP], logEventFilterPattern="said")
events = iter(response["responseStream"])
same("the start", next(events)["sessionStart"]["logGroupIdentifiers"], [ARN + GROUP])
speaker = threading.Thread(target=lambda: [says(f"live-{i}") for i in range(3)])
speaker.start()
for event in events:
    heard += event["sessionUpdate"]["sessionResults"]
    if len(heard) >= 3:
        break
speaker.join()
response["responseStream"].close()
same("heard", [(e["message"].strip(), e["logGroupIdentifier"]) for e in heard], [(f"said live-{i}", "000000000000:" + GROUP) for i in range(3)])
same("within a second", max(e["ingestionTime"] - e["timestamp"] for e in heard) < 1000, True)
refused("ResourceNotFoundException", logs.start_live_tail, logGroupIdentifiers=[ARN + "/none"])

step("the CLI")
same("groups", json.loads(cli("logs", "describe-log-groups", "--query", "logGroups[].logGroupName")), [GROUP, MADE])
out = json.loads(cli("logs", "filter-log-events", "--log-group-name", GROUP, "--filter-pattern", '"said first"'))
same("filtered", [e["message"].strip() for e in out["events"]], ["said first"])
out = json.loads(cli("logs", "describe-log-streams", "--log-group-name", GROUP, "--order-by", "LastEventTime", "--descending", "--max-items", "1"))
got = cli("logs", "get-log-events", "--log-group-name", GROUP, "--log-stream-name", out["logStreams"][0]["logStreamName"])
same("the stream", "said live-2" in got, True)

step("what aws logs tail --follow does")  # the command is in version 2 of the CLI only
cursor, seen, before = {"startTime": now - 60_000}, set(), time.time()
says("followed")
while not any("said followed" in m for m in seen) and time.time() < before + 10:
    for page in logs.get_paginator("filter_log_events").paginate(logGroupName=GROUP, interleaved=True, **cursor):
        for e in page["events"]:
            seen.add(e["message"])
            cursor["startTime"] = max(cursor["startTime"], e["timestamp"])
same("everything was seen", sum("said" in m for m in seen), 5)

step("delete")
logs.delete_log_stream(**stream)
refused("ResourceNotFoundException", logs.delete_log_stream, **stream)
same("events", found(""), [])
logs.delete_retention_policy(logGroupName=MADE)
same("retention", logs.describe_log_groups(logGroupNamePrefix=MADE)["logGroups"][0].get("retentionInDays"), None)
logs.delete_log_group(logGroupName=MADE)
refused("ResourceNotFoundException", logs.delete_log_group, logGroupName=MADE)
refused("NotImplementedException", logs.start_query, logGroupName=GROUP, startTime=0, endTime=1, queryString="fields @message")
