// InvokeWithResponseStream with @aws-sdk/client-lambda.
import assert from "node:assert/strict";
import { InvokeWithResponseStreamCommand, LambdaClient, ResourceNotFoundException } from "@aws-sdk/client-lambda";

const aws = new LambdaClient({});

const invoke = (FunctionName, event, more = {}) =>
  aws.send(new InvokeWithResponseStreamCommand({ FunctionName, Payload: JSON.stringify(event), ...more }));

// all reads a whole answer; began is when its first bytes came.
async function all(answer) {
  const chunks = [];
  let began, end;
  for await (const event of answer.EventStream) {
    began ??= Date.now();
    if (event.PayloadChunk) chunks.push(event.PayloadChunk.Payload);
    if (event.InvokeComplete) end = event.InvokeComplete;
  }
  return { bytes: Buffer.concat(chunks), began, end };
}

const answer = await invoke("streams", { do: "pause" }, { LogType: "Tail" });
assert.equal(answer.ExecutedVersion, "$LATEST");
assert.equal(answer.ResponseStreamContentType, "application/vnd.amazon.eventstream");
let { bytes, began, end } = await all(answer);
assert.equal(String(bytes), "firstlast");
assert.ok(Date.now() - began > 300, "the first byte came with the last");
assert.equal(end.ErrorCode, undefined);
assert.match(Buffer.from(end.LogResult, "base64").toString(), /REPORT RequestId: /);

({ bytes, end } = await all(await invoke("streams", { do: "throw" })));
assert.deepEqual([String(bytes), end.ErrorCode, JSON.parse(end.ErrorDetails).errorMessage], ["first", "RangeError", "on purpose"]);

({ bytes, end } = await all(await invoke("streams", { do: "large", mb: 25 })));
assert.deepEqual([bytes.length, end.ErrorCode], [25 * 2 ** 20 + "firstlast".length, undefined]);

({ bytes, end } = await all(await invoke("plain", { a: 1 })));
assert.deepEqual([String(bytes), end.ErrorCode], ['{"a":1}', undefined]);

await assert.rejects(invoke("none", {}), (e) => e instanceof ResourceNotFoundException && e.$metadata.attempts === 1);
