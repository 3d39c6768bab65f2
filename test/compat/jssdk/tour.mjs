// The tour with @aws-sdk/client-lambda.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import * as lambda from "@aws-sdk/client-lambda";
import { GetCallerIdentityCommand, STSClient } from "@aws-sdk/client-sts";

const env = process.env;
const one = readFileSync("one.zip");
const two = readFileSync("two.zip");
const aws = new lambda.LambdaClient({});
const FunctionName = "tour";

const step = (name) => console.log(`step: ${name}`);

// send calls an operation by its name.
const send = (operation, input = {}, client = aws) => client.send(new lambda[`${operation}Command`](input));

// refused expects an error: a class of the client or, where it models none, a name.
async function refused(expected, operation, input, client) {
  await assert.rejects(send(operation, input, client), (e) => {
    if (typeof expected === "string") {
      assert.ok(e instanceof lambda.LambdaServiceException, String(e));
      assert.equal(e.name, expected);
    } else {
      assert.ok(e instanceof expected, String(e));
    }
    assert.ok(e.message);
    assert.equal(e.$metadata.attempts, 1);
    return true;
  });
}

const settings = {
  Runtime: env.TOUR_RUNTIME, Handler: "app.handler", Role: env.TOUR_ROLE, Code: { ZipFile: one }, MemorySize: 128, Timeout: 30,
};

async function invoke(event, more = {}) {
  const answer = await send("Invoke", { FunctionName, Payload: JSON.stringify(event), ...more });
  const text = answer.Payload?.transformToString() ?? ""; // nothing after a dry run
  return { answer, result: text && JSON.parse(text) };
}

const waiting = { client: aws, maxWaitTime: 60, minDelay: 1, maxDelay: 1 };

console.log(`@aws-sdk/client-lambda for ${process.version}`);
step("identity");
assert.equal((await new STSClient({}).send(new GetCallerIdentityCommand({}))).Account, "000000000000");

step("account settings");
assert.equal((await send("GetAccountSettings")).AccountLimit.ConcurrentExecutions, 1000);

step("create");
let fn = await send("CreateFunction", {
  FunctionName, ...settings, Tags: { team: "ice", tier: "1" }, Environment: { Variables: { GREETING: "hello" } },
});
assert.equal(fn.$metadata.httpStatusCode, 201);
assert.equal(fn.State, "Pending");
assert.equal(fn.CodeSha256, env.TOUR_SHA256_ONE);

step("create again");
await refused(lambda.ResourceConflictException, "CreateFunction", { FunctionName, ...settings });

step("wait until active");
assert.equal((await lambda.waitUntilFunctionActiveV2(waiting, { FunctionName })).state, "SUCCESS");

step("get and download");
fn = await send("GetFunction", { FunctionName });
assert.equal(fn.Configuration.State, "Active");
assert.deepEqual(fn.Tags, { team: "ice", tier: "1" });
const download = await fetch(fn.Code.Location);
assert.equal(download.status, 200);
assert.ok(one.equals(Buffer.from(await download.arrayBuffer())), "the package is one.zip");

step("invoke");
let { answer, result } = await invoke({ name: "Grüße, 世界" }, {
  LogType: "Tail", ClientContext: Buffer.from('{"custom":{"from":"js"}}').toString("base64"),
});
assert.equal(answer.StatusCode, 200);
assert.equal(answer.ExecutedVersion, "$LATEST");
assert.equal(answer.FunctionError, undefined);
const log = Buffer.from(answer.LogResult, "base64").toString();
for (const part of [`START RequestId: ${answer.$metadata.requestId}`, "version 1 handles {'name': 'Grüße, 世界'}", "REPORT RequestId: "]) {
  assert.ok(log.includes(part), log);
}
assert.deepEqual(result, { version: 1, event: { name: "Grüße, 世界" }, memory: "128", greeting: "hello", custom: { from: "js" }, arn: fn.Configuration.FunctionArn });

step("dry run");
assert.equal((await invoke({}, { InvocationType: "DryRun" })).answer.StatusCode, 204);

step("function error");
({ answer, result } = await invoke({ fail: true }));
assert.equal(answer.StatusCode, 200);
assert.equal(answer.FunctionError, "Unhandled");
assert.equal(result.errorType, "ValueError");
assert.equal(result.errorMessage, "on purpose");

step("update code");
assert.equal((await send("UpdateFunctionCode", { FunctionName, ZipFile: two })).CodeSha256, env.TOUR_SHA256_TWO);
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
assert.equal((await invoke({})).result.version, 2);

step("update configuration");
const old = (await send("GetFunctionConfiguration", { FunctionName })).RevisionId;
fn = await send("UpdateFunctionConfiguration", {
  FunctionName, MemorySize: 256, Environment: { Variables: { GREETING: "bye" } }, RevisionId: old,
});
assert.equal(fn.MemorySize, 256);
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
({ result } = await invoke({}));
assert.deepEqual([result.version, result.memory, result.greeting], [2, "256", "bye"]);

step("list in pages");
for (const name of ["tour-b", "tour-c"]) await send("CreateFunction", { FunctionName: name, ...settings });
const pages = [];
for await (const page of lambda.paginateListFunctions({ client: aws, pageSize: 1 }, {})) {
  pages.push(page.Functions.map((f) => f.FunctionName));
}
assert.deepEqual(pages, [["tour"], ["tour-b"], ["tour-c"]]);
const first = await send("ListFunctions", { MaxItems: 2 });
assert.deepEqual(first.Functions.map((f) => f.FunctionName), ["tour", "tour-b"]);
const rest = await send("ListFunctions", { Marker: first.NextMarker });
assert.deepEqual(rest.Functions.map((f) => f.FunctionName), ["tour-c"]);

step("tags");
const Resource = fn.FunctionArn;
await send("TagResource", { Resource, Tags: { owner: "me", tier: "2" } });
await send("UntagResource", { Resource, TagKeys: ["team"] });
assert.deepEqual((await send("ListTags", { Resource })).Tags, { owner: "me", tier: "2" });

step("concurrency and code signing");
assert.equal((await send("GetFunctionConcurrency", { FunctionName })).ReservedConcurrentExecutions, undefined);
const signing = await send("GetFunctionCodeSigningConfig", { FunctionName });
assert.equal(signing.FunctionName, FunctionName);
assert.ok(!signing.CodeSigningConfigArn);

step("versions");
let version = await send("PublishVersion", { FunctionName });
assert.deepEqual([version.Version, version.FunctionArn], ["1", `${Resource}:1`]);
assert.equal((await send("PublishVersion", { FunctionName })).RevisionId, version.RevisionId);
version = await send("UpdateFunctionCode", { FunctionName, ZipFile: one, Publish: true });
assert.deepEqual([version.Version, version.FunctionArn], ["2", `${Resource}:2`]);
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
await lambda.waitUntilPublishedVersionActive(waiting, { FunctionName, Qualifier: "2" });
await refused(lambda.InvalidParameterValueException, "PublishVersion", { FunctionName, CodeSha256: env.TOUR_SHA256_TWO });
const versions = [];
for await (const page of lambda.paginateListVersionsByFunction({ client: aws, pageSize: 1 }, { FunctionName })) {
  versions.push(page.Versions.map((v) => v.Version));
}
assert.deepEqual(versions, [["$LATEST"], ["1"], ["2"]]);
({ answer, result } = await invoke({}, { Qualifier: "1" }));
assert.deepEqual([answer.ExecutedVersion, result.version], ["1", 2]);
({ answer, result } = await invoke({}, { Qualifier: "2" }));
assert.deepEqual([answer.ExecutedVersion, result.version], ["2", 1]);
assert.equal((await send("DeleteFunction", { FunctionName, Qualifier: "2" })).$metadata.httpStatusCode, 204);
await refused(lambda.ResourceNotFoundException, "GetFunction", { FunctionName, Qualifier: "2" });
assert.equal((await send("PublishVersion", { FunctionName, Description: "third" })).Version, "3");

step("reserved concurrency");
assert.equal((await send("PutFunctionConcurrency", { FunctionName, ReservedConcurrentExecutions: 5 })).ReservedConcurrentExecutions, 5);
assert.equal((await send("GetFunctionConcurrency", { FunctionName })).ReservedConcurrentExecutions, 5);
assert.deepEqual((await send("GetFunction", { FunctionName })).Concurrency, { ReservedConcurrentExecutions: 5 });
assert.equal((await send("GetAccountSettings")).AccountLimit.UnreservedConcurrentExecutions, 995);
await refused(lambda.InvalidParameterValueException, "PutFunctionConcurrency", { FunctionName, ReservedConcurrentExecutions: 901 });
await send("PutFunctionConcurrency", { FunctionName, ReservedConcurrentExecutions: 0 });
await assert.rejects(send("Invoke", { FunctionName }, new lambda.LambdaClient({ maxAttempts: 1 })), (e) => {
  assert.ok(e instanceof lambda.TooManyRequestsException, String(e));
  assert.equal(e.Reason, "ReservedFunctionConcurrentInvocationLimitExceeded");
  assert.ok(Number(e.retryAfterSeconds) >= 1);
  return true;
});
await send("DeleteFunctionConcurrency", { FunctionName });
assert.equal((await send("GetFunctionConcurrency", { FunctionName })).ReservedConcurrentExecutions, undefined);

step("provisioned concurrency");
const qualified = { FunctionName, Qualifier: "1" };
await refused(lambda.ProvisionedConcurrencyConfigNotFoundException, "GetProvisionedConcurrencyConfig", qualified);
await refused(lambda.InvalidParameterValueException, "PutProvisionedConcurrencyConfig", {
  FunctionName, Qualifier: "$LATEST", ProvisionedConcurrentExecutions: 1,
});
let config = await send("PutProvisionedConcurrencyConfig", { ...qualified, ProvisionedConcurrentExecutions: 1 });
assert.deepEqual([config.RequestedProvisionedConcurrentExecutions, config.AllocatedProvisionedConcurrentExecutions, config.Status], [1, 0, "IN_PROGRESS"]);
for (const deadline = Date.now() + 30_000; config.Status === "IN_PROGRESS" && Date.now() < deadline;) {
  config = await send("GetProvisionedConcurrencyConfig", qualified);
}
assert.deepEqual([config.AllocatedProvisionedConcurrentExecutions, config.AvailableProvisionedConcurrentExecutions, config.Status], [1, 1, "READY"]);
assert.equal((await invoke({}, { Qualifier: "1" })).answer.ExecutedVersion, "1");
const listed = (await send("ListProvisionedConcurrencyConfigs", { FunctionName })).ProvisionedConcurrencyConfigs;
assert.deepEqual(listed.map((c) => [c.FunctionArn, c.Status]), [[`${Resource}:1`, "READY"]]);
await send("DeleteProvisionedConcurrencyConfig", qualified);
await refused(lambda.ProvisionedConcurrencyConfigNotFoundException, "GetProvisionedConcurrencyConfig", qualified);

step("aliases");
const live = { FunctionName, Name: "live" };
let alias = await send("CreateAlias", { ...live, FunctionVersion: "1", Description: "what all use" });
assert.equal(alias.$metadata.httpStatusCode, 201);
assert.deepEqual([alias.AliasArn, alias.FunctionVersion, alias.RoutingConfig], [`${Resource}:live`, "1", undefined]);
assert.equal((await send("GetAlias", live)).RevisionId, alias.RevisionId);
await refused(lambda.ResourceConflictException, "CreateAlias", { ...live, FunctionVersion: "1" });
await refused(lambda.ResourceNotFoundException, "GetAlias", { FunctionName, Name: "nope" });
await refused(lambda.ResourceNotFoundException, "CreateAlias", { FunctionName, Name: "nope", FunctionVersion: "9" });
await refused("ValidationException", "CreateAlias", { FunctionName, Name: "1", FunctionVersion: "1" });
await refused(lambda.ResourceConflictException, "DeleteFunction", { FunctionName, Qualifier: "1" });
({ answer, result } = await invoke({}, { Qualifier: "live" }));
assert.deepEqual([answer.ExecutedVersion, result.version, result.arn], ["1", 2, `${Resource}:live`]);
assert.equal((await invoke({}, { Qualifier: "live", InvocationType: "DryRun" })).answer.StatusCode, 204);
fn = (await send("GetFunction", { FunctionName: `${FunctionName}:live` })).Configuration;
assert.deepEqual([fn.FunctionArn, fn.Version], [`${Resource}:live`, "1"]);
let moved = await send("UpdateAlias", { ...live, RoutingConfig: { AdditionalVersionWeights: { 3: 0.5 } }, RevisionId: alias.RevisionId });
assert.deepEqual(moved.RoutingConfig, { AdditionalVersionWeights: { 3: 0.5 } });
await refused(lambda.PreconditionFailedException, "UpdateAlias", { ...live, RevisionId: alias.RevisionId });
const ran = { 1: 0, 3: 0 };
for (let i = 0; i < 100; i++) {
  ({ answer, result } = await invoke({}, { Qualifier: "live" }));
  assert.equal(result.version, { 1: 2, 3: 1 }[answer.ExecutedVersion]);
  ran[answer.ExecutedVersion]++;
}
assert.ok(ran[1] >= 20 && ran[3] >= 20, JSON.stringify(ran)); // six standard deviations
await send("CreateAlias", { FunctionName, Name: "next", FunctionVersion: "$LATEST" });
const aliases = [];
for await (const page of lambda.paginateListAliases({ client: aws, pageSize: 1 }, { FunctionName })) {
  aliases.push(page.Aliases.map((a) => a.Name));
}
assert.deepEqual(aliases, [["live"], ["next"]]);
assert.deepEqual((await send("ListAliases", { FunctionName, FunctionVersion: "1" })).Aliases.map((a) => a.Name), ["live"]);
moved = await send("UpdateAlias", { ...live, RoutingConfig: {} });
assert.equal(moved.RoutingConfig, undefined);
const byAlias = { FunctionName, Qualifier: "live" };
await send("PutProvisionedConcurrencyConfig", { ...byAlias, ProvisionedConcurrentExecutions: 1 });
await refused(lambda.ResourceConflictException, "PutProvisionedConcurrencyConfig", { ...qualified, ProvisionedConcurrentExecutions: 1 });
await send("UpdateAlias", { ...live, FunctionVersion: "3" });
config = await send("GetProvisionedConcurrencyConfig", byAlias);
for (const deadline = Date.now() + 30_000; config.Status === "IN_PROGRESS" && Date.now() < deadline;) {
  config = await send("GetProvisionedConcurrencyConfig", byAlias);
}
assert.deepEqual([config.AllocatedProvisionedConcurrentExecutions, config.Status], [1, "READY"]);
({ answer, result } = await invoke({}, { Qualifier: "live" }));
assert.deepEqual([answer.ExecutedVersion, result.version], ["3", 1]);
await send("DeleteProvisionedConcurrencyConfig", byAlias);
assert.equal((await send("DeleteAlias", live)).$metadata.httpStatusCode, 204);
await refused(lambda.ResourceNotFoundException, "Invoke", byAlias);

step("snap start");
fn = await send("UpdateFunctionConfiguration", { FunctionName, SnapStart: { ApplyOn: "PublishedVersions" } });
assert.deepEqual(fn.SnapStart, { ApplyOn: "PublishedVersions", OptimizationStatus: "Off" });
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
version = await send("PublishVersion", { FunctionName });
assert.deepEqual([version.Version, version.State], ["4", "Pending"]);
await lambda.waitUntilPublishedVersionActive(waiting, { FunctionName, Qualifier: "4" });
fn = await send("GetFunctionConfiguration", { FunctionName, Qualifier: "4" });
assert.deepEqual(fn.SnapStart, { ApplyOn: "PublishedVersions", OptimizationStatus: "On" });
({ answer, result } = await invoke({}, { Qualifier: "4" }));
assert.deepEqual([answer.ExecutedVersion, result.version], ["4", 1]);
await refused(lambda.InvalidParameterValueException, "PutProvisionedConcurrencyConfig", {
  FunctionName, Qualifier: "4", ProvisionedConcurrentExecutions: 1,
});
await send("UpdateFunctionConfiguration", { FunctionName, SnapStart: { ApplyOn: "None" } });
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });

step("revision that is not the latest");
await refused(lambda.PreconditionFailedException, "UpdateFunctionConfiguration", { FunctionName, Timeout: 5, RevisionId: old });
await refused(lambda.PreconditionFailedException, "UpdateFunctionCode", { FunctionName, ZipFile: one, RevisionId: old });

step("invalid parameter");
await refused(lambda.InvalidParameterValueException, "UpdateFunctionConfiguration", {
  FunctionName, Environment: { Variables: { AWS_REGION: "x" } },
});
await refused("ValidationException", "UpdateFunctionConfiguration", { FunctionName, Timeout: 901 });

step("payload too large");
await refused(lambda.RequestTooLargeException, "Invoke", { FunctionName, Payload: readFileSync("large.json") });

step("unknown function");
await refused(lambda.ResourceNotFoundException, "GetFunction", { FunctionName: "nope" });
await refused(lambda.ResourceNotFoundException, "Invoke", { FunctionName: "nope" });

const as = (accessKeyId, secretAccessKey) => new lambda.LambdaClient({ credentials: { accessKeyId, secretAccessKey } });
step("wrong secret key");
await refused("InvalidSignatureException", "ListFunctions", {}, as(env.AWS_ACCESS_KEY_ID, "wrong"));

step("unknown access key");
await refused("UnrecognizedClientException", "ListFunctions", {}, as("AKIAIOSFODNN7EXAMPLE", "x"));

step("not implemented yet");
await refused("NotImplementedException", "ListCapacityProviders", {});

step("delete");
for (const name of ["tour", "tour-b", "tour-c"]) {
  assert.equal((await send("DeleteFunction", { FunctionName: name })).$metadata.httpStatusCode, 204);
}
await refused(lambda.ResourceNotFoundException, "GetFunction", { FunctionName });
await refused(lambda.ResourceNotFoundException, "DeleteFunction", { FunctionName });
assert.deepEqual((await send("ListFunctions")).Functions, []);
