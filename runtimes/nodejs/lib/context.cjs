'use strict';
// The context object, second argument of every handler.

const { now } = Date;
const { parse } = JSON;

// describeFunction returns the properties that are the same for all invocations of the function this process has become.
function describeFunction() {
  const { env } = process;
  return {
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

// completeContext adds to context, which has the ways to answer, what identifies the function and the invocation.
function completeContext(context, fn, meta) {
  return Object.assign(context, fn, {
    clientContext: parseText(meta.client_context, 'ClientContext'),
    identity: parseText(meta.identity, 'CognitoIdentity'),
    invokedFunctionArn: meta.arn,
    awsRequestId: meta.id,
    tenantId: meta.tenant_id,
    getRemainingTimeInMillis: () => meta.deadline_ms - now(),
  });
}

function parseText(text, name) {
  if (text === undefined) return undefined;
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`Cannot parse ${name} as json: ${error}`);
  }
}

module.exports = { describeFunction, completeContext };
