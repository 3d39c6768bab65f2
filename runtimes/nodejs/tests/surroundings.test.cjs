'use strict';
// The context object, the console, and a function's code in the channel's vicinity.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { ARN, become, result, error } = require('./host.cjs');

const EVAL = 'exports.handler = async (event, context) => eval(event);';

test('context', async (t) => {
  const host = await become(t, EVAL, {
    AWS_LAMBDA_FUNCTION_NAME: 'f', AWS_LAMBDA_FUNCTION_VERSION: '$LATEST', AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '128',
    AWS_LAMBDA_LOG_GROUP_NAME: '/aws/lambda/f', AWS_LAMBDA_LOG_STREAM_NAME: 'stream',
  });
  assert.deepEqual(result(await host.invoke('context', { id: 'id-9' })), {
    callbackWaitsForEmptyEventLoop: true, functionVersion: '$LATEST', functionName: 'f', memoryLimitInMB: '128',
    logGroupName: '/aws/lambda/f', logStreamName: 'stream', invokedFunctionArn: ARN, awsRequestId: 'id-9',
  });
  const meta = { client_context: '{"custom":{"a":1}}', identity: '{"cognitoIdentityId":"i"}' };
  assert.deepEqual(
    result(await host.invoke('[context.clientContext, context.identity]', meta)), [{ custom: { a: 1 } }, { cognitoIdentityId: 'i' }],
  );
  assert.match(error(await host.invoke('1', { client_context: '{' })).errorMessage, /^Cannot parse ClientContext as json: SyntaxError: /);
  const left = result(await host.invoke('context.getRemainingTimeInMillis()', { deadline_ms: Date.now() + 50000 }));
  assert.ok(left > 0 && left <= 50000, left);
});

test('trace id', async (t) => {
  const host = await become(t, EVAL);
  for (const id of ['Root=1-a', 'Root=1-b', undefined, 'Root=1-c', undefined]) {
    assert.equal(result(await host.invoke('process.env._X_AMZN_TRACE_ID || null', { trace_id: id })), id || null);
  }
});

const ENTRY = (level, text) => new RegExp(`^\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d\\.\\d{3}Z\\tid-1\\t${level}\\t${text}\\n$`);

test('console', async (t) => {
  const host = await become(t, EVAL);
  for (const [code, level, text] of [
    ['console.log("a %s", "b", {c: 1})', 'INFO', 'a b { c: 1 }'],
    ['console.info("two\\nlines")', 'INFO', 'two\rlines'],
    ['console.debug("d")', 'DEBUG', 'd'], ['console.trace("t")', 'TRACE', 't'], ['console.warn("w")', 'WARN', 'w'],
    ['console.error(new Error("e"))', 'ERROR', 'Error: e\r    at [^\\n]*'], ['console.fatal("f")', 'FATAL', 'f'],
    ['console.log()', 'INFO', 'undefined'],
  ]) {
    result(await host.invoke(`(${code}, 0)`));
    assert.match(host.logged(), ENTRY(level, text), code);
  }
  result(await host.invoke('process.stdout.write("out") && process.stderr.write("err")'));
  assert.equal(host.logged(), 'outerr');
});

test('log level', async (t) => {
  const host = await become(t, EVAL, { AWS_LAMBDA_LOG_LEVEL: 'warn' });
  result(await host.invoke('console.log("hidden"), console.debug("hidden"), console.warn("shown"), 0'));
  assert.match(host.logged(), ENTRY('WARN', 'shown'));
});

// The expected entries are those of Amazon's runtime interface client for Node.js, 3.3.0, but for the time.
test('console with JSON', async (t) => {
  const My = `class My extends Error {
    constructor(message) { super(message); this.code = 'E'; this.stack = 'My: ' + message + '\\n    at x'; }
  }`;
  const host = await become(t, `${My}; const circle = {}; circle.self = circle; ${EVAL}`, { AWS_LAMBDA_LOG_FORMAT: 'JSON', AWS_LAMBDA_LOG_LEVEL: 'debug' });
  const my = (message) => `{"errorType":"My","errorMessage":"${message}","stackTrace":["My: ${message}","    at x"],"code":"E"}`;
  for (const [code, level, message] of [
    ['console.log("text %s", "here", {a: 1})', 'INFO', '"text here { a: 1 }"'], ['console.info({a: [1, "é"]})', 'INFO', '{"a":[1,"é"]}'],
    ['console.debug("two\\nlines")', 'DEBUG', '"two\\nlines"'], ['console.warn(7n)', 'WARN', '"7n"'], ['console.log(null)', 'INFO', 'null'],
    ['console.error(new My("bad"))', 'ERROR', my('bad')], ['console.log({e: new My("in")})', 'INFO', `{"e":${my('in')}}`],
    ['console.fatal(circle)', 'FATAL', '"<ref *1> { self: [Circular *1] }"'], ['console.log()', 'INFO', undefined],
    ['console.warn("pre", new My("bad"))', 'WARN', '"pre My: bad\\n    at x {\\n  code: \'E\'\\n}","errorType":"My","errorMessage":"bad","stackTrace":["My: bad","    at x"]'],
  ]) {
    result(await host.invoke(`(${code}, 0)`, { tenant_id: 'blue' }));
    const [time, rest] = [host.logged()].map((line) => line.match(/^\{"timestamp":"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z)",(.*)\n$/).slice(1))[0];
    assert.ok(time);
    assert.equal(rest, `"level":"${level}","requestId":"id-1","tenantId":"blue"${message === undefined ? '' : `,"message":${message}`}}`, code);
  }
  result(await host.invoke('console.trace("hidden"), process.stdout.write("plain") && 0'));
  assert.equal(host.logged(), 'plain');
  error(await host.invoke('throw new My("thrown")'));
  assert.match(host.logged(), /^\{"timestamp":"[^"]*","level":"ERROR","requestId":"id-1","message":\{"errorType":"My","errorMessage":"thrown",.*\}\}\n$/);
});

test('errors keep their properties in the log', async (t) => {
  const host = await become(t, 'exports.handler = async () => { throw Object.assign(new Error("a\\nb"), { code: "E", more: 1 }); };');
  const failed = error(await host.invoke());
  assert.deepEqual([failed.errorType, failed.errorMessage], ['Error', 'a\nb']);
  const [, json] = host.logged().match(/\tid-1\tERROR\tInvoke Error \t(\{.*\})\n$/);
  const { stack, ...rest } = JSON.parse(json);
  assert.deepEqual(rest, { errorType: 'Error', errorMessage: 'a\nb', code: 'E', more: 1 });
  assert.deepEqual(stack, failed.trace);
});

test('errors that cannot be read', async (t) => {
  const host = await become(t, `exports.handler = async (event) => {
    if (event === 'getter') throw Object.defineProperty(new Error(), 'message', { get() { throw new Error('no'); } });
    if (event === 'circular') { const e = new Error('round'); e.self = { e }; throw e; }
    if (event === 'symbol') throw Symbol('s');
    throw { plain: true };
  };`);
  assert.equal(error(await host.invoke('getter')).errorType, 'handled');
  assert.equal(error(await host.invoke('circular')).errorMessage, 'round');
  assert.equal(error(await host.invoke('symbol')).errorMessage, 'Symbol(s)');
  assert.deepEqual(error(await host.invoke('plain')), { errorType: 'object', errorMessage: '[object Object]', trace: [] });
});

test('children do not inherit the channel', async (t) => {
  const host = await become(t, `exports.handler = async () =>
    require('child_process').execSync('test -e /proc/self/fd/3 && echo inherited || echo no').toString().trim();`);
  assert.equal(result(await host.invoke()), 'no');
});

test('patched globals', async (t) => {
  const host = await become(t, `
    const broken = () => { throw new Error('patched'); };
    JSON.parse = JSON.stringify = Date.now = broken;
    Date = Promise = process.exit = console.error = broken;
    for (const fs of [require('fs')]) fs.writeSync = fs.existsSync = broken;
    require('util').format = broken;
    exports.handler = async (event, context) => {
      if (event === 'fail') throw new Error(String(context.getRemainingTimeInMillis() > 0));
      return event;
    };`);
  assert.deepEqual(result(await host.invoke({ a: [1] })), { a: [1] });
  assert.equal(error(await host.invoke('fail')).errorMessage, 'true');
});
