"""InvokeWithResponseStream with boto3."""

import json
import sys
import time

import boto3

aws = boto3.client("lambda")


def same(what, got, want):
    if got != want:
        sys.exit(f"{what} is {got!r}, want {want!r}")


def invoke(function, event, **more):
    return aws.invoke_with_response_stream(FunctionName=function, Payload=json.dumps(event), **more)


answer = invoke("streams", {"do": "pause"}, LogType="Tail")
same("status", answer["StatusCode"], 200)
same("version", answer["ExecutedVersion"], "$LATEST")
same("type", answer["ResponseStreamContentType"], "application/vnd.amazon.eventstream")
text, begin, end = b"", 0, None
for event in answer["EventStream"]:
    begin = begin or time.time()
    if "PayloadChunk" in event:
        text += event["PayloadChunk"]["Payload"]
    else:
        end = event["InvokeComplete"]
same("answer", text, b"firstlast")
same("the first byte came before the end", time.time() - begin > 0.3, True)
same("failure", end.get("ErrorCode"), None)
same("log", "LogResult" in end, True)

events = list(invoke("streams", {"do": "throw"})["EventStream"])
same("half an answer", events[0]["PayloadChunk"]["Payload"], b"first")
end = events[-1]["InvokeComplete"]
same("failure", (end["ErrorCode"], json.loads(end["ErrorDetails"])["errorMessage"]), ("RangeError", "on purpose"))

size = sum(len(e["PayloadChunk"]["Payload"]) for e in invoke("streams", {"do": "large", "mb": 25})["EventStream"] if "PayloadChunk" in e)
same("a large answer", size, 25 * 2**20 + len("firstlast"))

events = list(invoke("plain", {"a": 1})["EventStream"])
same("an answer that is not streamed", b"".join(e["PayloadChunk"]["Payload"] for e in events[:-1]), b'{"a":1}')

same("dry run", invoke("streams", {}, InvocationType="DryRun")["StatusCode"], 204)
try:
    invoke("none", {})
    sys.exit("a function that does not exist answers")
except aws.exceptions.ResourceNotFoundException as e:
    same("retries", e.response["ResponseMetadata"]["RetryAttempts"], 0)
