// The tour with @aws-sdk/client-lambda.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import http from "node:http";
import { CloudWatchLogsClient, FilterLogEventsCommand, ResourceNotFoundException } from "@aws-sdk/client-cloudwatch-logs";
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

step("permissions");
const statement = { FunctionName, StatementId: "s3", Action: "lambda:InvokeFunction", Principal: "s3.amazonaws.com" };
const added = JSON.parse((await send("AddPermission", { ...statement, SourceArn: "arn:aws:s3:::bucket", SourceAccount: "000000000000" })).Statement);
assert.deepEqual(added, {
  Sid: "s3", Effect: "Allow", Principal: { Service: "s3.amazonaws.com" }, Action: "lambda:InvokeFunction", Resource,
  Condition: { StringEquals: { "AWS:SourceAccount": "000000000000" }, ArnLike: { "AWS:SourceArn": "arn:aws:s3:::bucket" } },
});
await refused(lambda.ResourceConflictException, "AddPermission", statement);
const policy = await send("GetPolicy", { FunctionName });
assert.deepEqual(JSON.parse(policy.Policy).Statement, [added]);
await refused(lambda.PreconditionFailedException, "RemovePermission", { FunctionName, StatementId: "s3", RevisionId: old });
await send("RemovePermission", { FunctionName, StatementId: "s3", RevisionId: policy.RevisionId });
await refused(lambda.ResourceNotFoundException, "GetPolicy", { FunctionName });
const written = await send("PutResourcePolicy", { ResourceArn: Resource, Policy: JSON.stringify({ Version: "2012-10-17", Statement: [added] }) });
const stored = await send("GetResourcePolicy", { ResourceArn: Resource });
assert.deepEqual([JSON.parse(stored.Policy).Statement, stored.RevisionId], [[added], written.RevisionId]);
await send("DeleteResourcePolicy", { ResourceArn: Resource, RevisionId: written.RevisionId });
await refused(lambda.ResourceNotFoundException, "GetResourcePolicy", { ResourceArn: Resource });

step("function url");
// visit gives the status and the body of what is at url. Names below localhost need not resolve here.
const visit = (url) => new Promise((resolve, reject) => {
  http.get(`${env.AWS_ENDPOINT_URL}/path`, { headers: { Host: new URL(url).host } }, async (res) => {
    const chunks = await res.toArray();
    resolve({ status: res.statusCode, body: JSON.parse(Buffer.concat(chunks)) });
  }).on("error", reject);
});
config = await send("CreateFunctionUrlConfig", { FunctionName, AuthType: "NONE", Cors: { AllowOrigins: ["*"] } });
const url = config.FunctionUrl;
assert.equal(config.FunctionArn, Resource);
await refused(lambda.ResourceConflictException, "CreateFunctionUrlConfig", { FunctionName, AuthType: "NONE" });
config = await send("GetFunctionUrlConfig", { FunctionName });
assert.deepEqual([config.FunctionUrl, config.AuthType, config.Cors], [url, "NONE", { AllowOrigins: ["*"] }]);
assert.deepEqual((await send("ListFunctionUrlConfigs", { FunctionName })).FunctionUrlConfigs.map((u) => u.FunctionUrl), [url]);
assert.equal((await visit(url)).status, 403);
const anyone = { FunctionName, Principal: "*" };
await send("AddPermission", { ...anyone, StatementId: "url", Action: "lambda:InvokeFunctionUrl", FunctionUrlAuthType: "NONE" });
await send("AddPermission", { ...anyone, StatementId: "invoke", Action: "lambda:InvokeFunction", InvokedViaFunctionUrl: true });
const { status, body } = await visit(url);
assert.deepEqual([status, body.version, body.event.rawPath], [200, 1, "/path"]);
assert.equal((await send("UpdateFunctionUrlConfig", { FunctionName, AuthType: "AWS_IAM" })).AuthType, "AWS_IAM");
assert.equal((await visit(url)).status, 403);
await send("DeleteFunctionUrlConfig", { FunctionName });
await refused(lambda.ResourceNotFoundException, "GetFunctionUrlConfig", { FunctionName });
for (const StatementId of ["url", "invoke"]) await send("RemovePermission", { FunctionName, StatementId });

step("event invoke config");
const other = `${Resource}-b`;
await refused(lambda.ResourceNotFoundException, "UpdateFunctionEventInvokeConfig", { ...qualified, MaximumRetryAttempts: 1 });
config = await send("PutFunctionEventInvokeConfig", {
  ...qualified, MaximumRetryAttempts: 0, DestinationConfig: { OnSuccess: { Destination: other } },
});
assert.deepEqual([config.FunctionArn, config.MaximumRetryAttempts, config.DestinationConfig.OnSuccess], [`${Resource}:1`, 0, { Destination: other }]);
await send("UpdateFunctionEventInvokeConfig", { ...qualified, MaximumEventAgeInSeconds: 60 });
config = await send("GetFunctionEventInvokeConfig", qualified);
assert.deepEqual([config.MaximumRetryAttempts, config.MaximumEventAgeInSeconds], [0, 60]);
assert.ok(Math.abs(Date.now() - config.LastModified) < 60_000, String(config.LastModified));
assert.deepEqual((await send("ListFunctionEventInvokeConfigs", { FunctionName })).FunctionEventInvokeConfigs.map((c) => c.FunctionArn), [`${Resource}:1`]);

step("asynchronous invocation");
answer = await send("Invoke", { ...qualified, InvocationType: "Event", Payload: '{"name":"later"}' });
assert.deepEqual([answer.StatusCode, answer.ExecutedVersion], [202, undefined]);
assert.equal((await send("InvokeAsync", { FunctionName: "tour-b", InvokeArgs: '{"name":"old way"}' })).Status, 202);
const logs = new CloudWatchLogsClient({});
const wanted = ["handles {'name': 'old way'}", "'condition': 'Success'", "'requestPayload': {'name': 'later'}", answer.$metadata.requestId];
let printed = "";
for (const deadline = Date.now() + 60_000; !wanted.every((part) => printed.includes(part));) {
  assert.ok(Date.now() < deadline, `the log of tour-b is ${printed}`); // the record of the first, the event of the second
  const found = logs.send(new FilterLogEventsCommand({ logGroupName: "/aws/lambda/tour-b", filterPattern: "handles" }));
  printed = await found.then((page) => page.events.map((e) => e.message).join(""), (e) => {
    assert.ok(e instanceof ResourceNotFoundException, String(e)); // it has not run yet
    return "";
  });
}
await send("DeleteFunctionEventInvokeConfig", qualified);
await refused(lambda.ResourceNotFoundException, "GetFunctionEventInvokeConfig", qualified);

step("recursion and runtime management");
assert.equal((await send("GetFunctionRecursionConfig", { FunctionName })).RecursiveLoop, "Terminate");
assert.equal((await send("PutFunctionRecursionConfig", { FunctionName, RecursiveLoop: "Allow" })).RecursiveLoop, "Allow");
assert.equal((await send("GetFunctionRecursionConfig", { FunctionName })).RecursiveLoop, "Allow");
await send("PutRuntimeManagementConfig", { FunctionName, UpdateRuntimeOn: "FunctionUpdate" });
config = await send("GetRuntimeManagementConfig", { FunctionName });
assert.deepEqual([config.FunctionArn, config.UpdateRuntimeOn], [`${Resource}:$LATEST`, "FunctionUpdate"]);

step("layers");
const zip = readFileSync("layer.zip");
const LayerArn = "arn:aws:lambda:us-east-1:000000000000:layer:words";
const LayerName = "words";
for (const number of [1, 2]) {
  const published = await send("PublishLayerVersion", { LayerName, Content: { ZipFile: zip }, CompatibleRuntimes: [env.TOUR_RUNTIME] });
  assert.deepEqual([published.Version, published.LayerArn, published.LayerVersionArn], [number, LayerArn, `${LayerArn}:${number}`]);
}
const layer = { LayerName, VersionNumber: 1 };
const read = await send("GetLayerVersion", layer);
assert.equal(read.LayerVersionArn, `${LayerArn}:1`);
assert.ok(zip.equals(Buffer.from(await (await fetch(read.Content.Location)).arrayBuffer())), "the package is layer.zip");
assert.equal((await send("GetLayerVersionByArn", { Arn: `${LayerArn}:2` })).Version, 2);
assert.deepEqual((await send("ListLayers")).Layers.map((l) => [l.LayerName, l.LatestMatchingVersion.Version]), [[LayerName, 2]]);
assert.deepEqual((await send("ListLayerVersions", { LayerName })).LayerVersions.map((v) => v.Version), [2, 1]);
await refused(lambda.ResourceNotFoundException, "GetLayerVersionPolicy", layer);
const shared = await send("AddLayerVersionPermission", { ...layer, StatementId: "all", Action: "lambda:GetLayerVersion", Principal: "*" });
assert.deepEqual(JSON.parse((await send("GetLayerVersionPolicy", layer)).Policy).Statement, [JSON.parse(shared.Statement)]);
await send("RemoveLayerVersionPermission", { ...layer, StatementId: "all" });
await send("UpdateFunctionConfiguration", { FunctionName, Layers: [`${LayerArn}:1`] });
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });
assert.equal((await invoke({ import: "word" })).result, "ice");
for (const VersionNumber of [1, 2]) await send("DeleteLayerVersion", { LayerName, VersionNumber });
await refused(lambda.ResourceNotFoundException, "GetLayerVersion", layer);
await send("UpdateFunctionConfiguration", { FunctionName, Layers: [] });
await lambda.waitUntilFunctionUpdatedV2(waiting, { FunctionName });

step("code signing");
const AllowedPublishers = { SigningProfileVersionArns: ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p/0123456789"] };
const { CodeSigningConfigArn } = (await send("CreateCodeSigningConfig", { AllowedPublishers })).CodeSigningConfig;
const signer = { CodeSigningConfigArn };
assert.deepEqual((await send("GetCodeSigningConfig", signer)).CodeSigningConfig.CodeSigningPolicies, { UntrustedArtifactOnDeployment: "Warn" });
await send("PutFunctionCodeSigningConfig", { FunctionName, ...signer });
assert.equal((await send("GetFunctionCodeSigningConfig", { FunctionName })).CodeSigningConfigArn, CodeSigningConfigArn);
assert.deepEqual((await send("ListFunctionsByCodeSigningConfig", signer)).FunctionArns, [Resource]);
await send("UpdateCodeSigningConfig", { ...signer, CodeSigningPolicies: { UntrustedArtifactOnDeployment: "Enforce" } });
await refused(lambda.CodeVerificationFailedException, "UpdateFunctionCode", { FunctionName, ZipFile: two });
await refused(lambda.ResourceConflictException, "DeleteCodeSigningConfig", signer);
assert.deepEqual((await send("ListCodeSigningConfigs")).CodeSigningConfigs.map((c) => c.CodeSigningConfigArn), [CodeSigningConfigArn]);
await send("DeleteFunctionCodeSigningConfig", { FunctionName });

step("tags of other resources");
const configuration = { Resource: CodeSigningConfigArn };
await send("TagResource", { ...configuration, Tags: { team: "ice", owner: "me" } });
await send("UntagResource", { ...configuration, TagKeys: ["team"] });
assert.deepEqual((await send("ListTags", configuration)).Tags, { owner: "me" });
await refused(lambda.InvalidParameterValueException, "ListTags", { Resource: `${Resource}:1` });
await send("DeleteCodeSigningConfig", signer);
await refused(lambda.ResourceNotFoundException, "GetCodeSigningConfig", signer);

step("event source mappings");
const UUID = "14e0db71-5d35-4eb5-b481-8945cf9d10c2";
const queue = { FunctionName, EventSourceArn: "arn:aws:sqs:us-east-1:000000000000:queue" };
await refused(lambda.InvalidParameterValueException, "CreateEventSourceMapping", queue);
await assert.rejects(send("CreateEventSourceMapping", queue), /SQS/);
await refused(lambda.ResourceNotFoundException, "GetEventSourceMapping", { UUID });
await refused(lambda.ResourceNotFoundException, "UpdateEventSourceMapping", { UUID, Enabled: false });
await refused(lambda.ResourceNotFoundException, "DeleteEventSourceMapping", { UUID });
assert.deepEqual((await send("ListEventSourceMappings")).EventSourceMappings, []);

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
await refused("NotImplementedException", "ListCapacityProviders");

step("delete");
for (const name of ["tour", "tour-b", "tour-c"]) {
  assert.equal((await send("DeleteFunction", { FunctionName: name })).$metadata.httpStatusCode, 204);
}
await refused(lambda.ResourceNotFoundException, "GetFunction", { FunctionName });
await refused(lambda.ResourceNotFoundException, "DeleteFunction", { FunctionName });
assert.deepEqual((await send("ListFunctions")).Functions, []);
