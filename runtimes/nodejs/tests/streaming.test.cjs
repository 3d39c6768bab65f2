'use strict';
// Handlers that stream their answer.

const assert = require('node:assert/strict');
const { once } = require('node:events');
const { test } = require('node:test');
const { become, failedInit, error, result, frames } = require('./host.cjs');

// streaming returns a host of a streaming handler with that body, which sees event, stream and context.
function streaming(t, body, options = 'undefined') {
  return become(t, `
    const { pipeline } = require('util');
    const { Readable } = require('stream');
    const pipe = require('util').promisify(require('stream').pipeline);
    const later = (ms, value) => new Promise((resolve) => setTimeout(resolve, ms, value));
    exports.handler = awslambda.streamifyResponse(async (event, stream, context) => { ${body} }, ${options});`);
}

test('an answer', async (t) => {
  const host = await streaming(t, `stream.write('one '); stream.write(Buffer.from('two ')); stream.end('three');`);
  for (let i = 0; i < 3; i++) {
    host.sendEvent('{}');
    const answer = await host.streamed();
    assert.equal(answer.type, frames.RESULT);
    assert.deepEqual([answer.contentType, String(answer.bytes), answer.meta, answer.payload],
      ['application/octet-stream', 'one two three', { id: 'id-1' }, '']);
    await host.idle();
  }
});

test('each write leaves at once', async (t) => {
  const host = await streaming(t, `
    const goOn = new Promise((resolve) => process.once('SIGUSR2', resolve));
    stream.write('first');
    await goOn;
    stream.end('second');`);
  host.sendEvent('{}');
  const signals = [];
  const answer = await host.streamed((part) => {
    if (signals.push(String(part)) === 1) host.process.kill('SIGUSR2'); // goes on only when its first part has arrived
  });
  assert.deepEqual([answer.type, ...signals], [frames.RESULT, 'first', 'second']);
});

test('content type and prelude', async (t) => {
  const host = await streaming(t, `
    if (event.type) stream.setContentType(event.type);
    if (event.prelude) stream = awslambda.HttpResponseStream.from(stream, event.prelude);
    if (event.text !== undefined) stream.write(event.text);
    if (event.late) try { stream.setContentType('late'); } catch (error) { stream.write(error.name); }
    stream.end();`);
  for (const [event, type, text] of [
    [{ type: 'text/html', text: 'x' }, 'text/html', 'x'],
    [{ type: 'text/html' }, 'text/html', ''],
    [{ text: 'x', late: true }, 'application/octet-stream', 'xRuntime.InvalidStreamingOperation'],
    [{ prelude: { statusCode: 201, headers: { a: 'é' } }, text: 'body' }, 'application/vnd.awslambda.http-integration-response',
      '{"statusCode":201,"headers":{"a":"é"}}\0\0\0\0\0\0\0\0body'],
    [{ prelude: {} }, 'application/vnd.awslambda.http-integration-response', '{}\0\0\0\0\0\0\0\0'],
    [{ text: { a: 1 } }, 'application/octet-stream', '{"a":1}'],
    [{ text: '' }, 'application/octet-stream', ''],
  ]) {
    host.sendEvent(JSON.stringify(event));
    const answer = await host.streamed();
    assert.deepEqual([answer.type, answer.contentType, String(answer.bytes)], [frames.RESULT, type, text]);
    await host.idle();
  }
});

test('pipeline, sizes and back-pressure', async (t) => {
  const host = await streaming(t, `
    if (event.pipe) {
      await pipe(Readable.from((function* () { for (let i = 0; i < event.n; i++) yield Buffer.alloc(event.size, i); })()), stream);
      return;
    }
    let full = 0;
    for (let i = 0; i < event.n; i++) {
      if (!stream.write(Buffer.alloc(event.size, i))) { full++; await new Promise((resolve) => stream.once('drain', resolve)); }
    }
    if (event.size >= 1 << 20) stream.write('full ' + (full > 0));
    stream.end();`);
  const chunk = frames.CHUNK_BYTES;
  for (const event of [
    { n: 20, size: 1 << 20, pipe: true }, { n: 20, size: 1 << 20 }, { n: 3, size: chunk }, { n: 3, size: chunk + 1 }, { n: 5000, size: 100 },
    { n: 3, size: (32 << 10) - 8 }, { n: 3, size: (32 << 10) - 7 },
  ]) {
    host.sendEvent(JSON.stringify(event));
    const { type, bytes } = await host.streamed();
    const want = [];
    for (let i = 0; i < event.n; i++) want.push(Buffer.alloc(event.size, i));
    if (!event.pipe && event.size >= 1 << 20) want.push(Buffer.from('full true'));
    assert.equal(type, frames.RESULT);
    assert.equal(bytes.length, Buffer.concat(want).length, JSON.stringify(event));
    assert.ok(bytes.equals(Buffer.concat(want)), JSON.stringify(event));
    await host.idle();
  }
});

test('options', async (t) => {
  const host = await streaming(t, `stream.end(String(stream.writableHighWaterMark))`, '{ highWaterMark: 1234 }');
  host.sendEvent('{}');
  assert.equal(String((await host.streamed()).bytes), '1234');
});

test('failures', async (t) => {
  const host = await streaming(t, `
    switch (event) {
      case 'before': throw new TypeError('no');
      case 'midway': stream.write('half'); await later(1); throw new TypeError('no');
      case 'with more to write': for (let i = 0; i < 50; i++) stream.write(Buffer.alloc(100 << 10)); throw new TypeError('no');
      case 'after': stream.end('whole'); await later(20); throw new TypeError('too late');
      case 'destroyed': stream.write('half'); stream.destroy(); return;
      case 'destroyed with': stream.write('half'); stream.destroy(new RangeError('broken')); return;
      case 'pipeline': return pipe(new Readable({ read() { this.destroy(new RangeError('source')); } }), stream);
      case 'value': stream.end('whole'); return 1;
      case 'write after end': stream.end('whole'); stream.write('more'); return;
    }`);
  for (const [event, bytes, want, message] of [
    ['before', 0, 'TypeError', 'no'], ['midway', 4, 'TypeError', 'no'], ['with more to write', 50 * (100 << 10), 'TypeError', 'no'],
    ['after', 5], ['destroyed', 4, 'string', 'Response stream is not finished.'], ['destroyed with', 4, 'RangeError', 'broken'],
    ['pipeline', 0, 'RangeError', 'source'], ['value', 5], 
  ]) {
    host.sendEvent(JSON.stringify(event));
    const answer = await host.streamed();
    assert.equal(answer.bytes.length, bytes, event);
    assert.equal(answer.type, want === undefined ? frames.RESULT : frames.ERROR, event);
    if (want !== undefined) {
      const { errorType, errorMessage } = JSON.parse(answer.payload);
      assert.deepEqual([errorType, errorMessage, answer.meta], [want, message, { id: 'id-1', error_type: want }], event);
      assert.equal(answer.contentType === undefined, bytes === 0, event);
    }
    await host.idle();
  }
  const log = host.logged();
  assert.match(log, /\tERROR\tInvoke Error \t\{"errorType":"TypeError","errorMessage":"too late"/);
  assert.match(log, /\tWARN\tStreaming handlers ignore return values\.\n/);
});

test('events that are no JSON', async (t) => {
  const host = await streaming(t, `stream.end('x')`);
  host.sendEvent('{');
  assert.equal(error(await host.reply()).errorType, 'SyntaxError');
  await host.idle();
});

test('a handler that is not async', async (t) => {
  const host = await become(t, `exports.handler = awslambda.streamifyResponse((event, stream) => { stream.write('x'); });`);
  host.sendEvent('{}');
  const answer = await host.streamed();
  assert.equal(answer.type, frames.ERROR);
  assert.equal(JSON.parse(answer.payload).errorMessage, 'Streaming does not support non-async handlers.');
  await host.idle();
});

test('an exception that nobody catches', async (t) => {
  const host = await streaming(t, `stream.write('half'); setTimeout(() => { throw new RangeError('lost'); }, 1); await later(60000);`);
  host.sendEvent('{}');
  const answer = await host.streamed();
  assert.deepEqual([answer.type, String(answer.bytes), JSON.parse(answer.payload).errorType], [frames.ERROR, 'half', 'RangeError']);
  const [status] = await host.end();
  assert.equal(status, 129);
  assert.equal(host.idles, 0);
});

test('the next event waits for an empty loop, if it should', async (t) => {
  const host = await streaming(t, `
    context.callbackWaitsForEmptyEventLoop = event.waits;
    setTimeout(() => console.log('timer ran'), 200);
    stream.end('x');
    if (event.lingers) await later(100);`);
  for (const waits of [true, false]) {
    for (const lingers of [false, true]) {
      host.sendEvent(JSON.stringify({ waits, lingers }));
      const answer = await host.streamed();
      assert.equal(answer.type, frames.RESULT);
      assert.doesNotMatch(host.logged(), /timer ran/);
      if (waits) {
        await host.idle();
        assert.match(host.logged(), /timer ran/);
      } else {
        await host.idle();
        assert.doesNotMatch(host.logged(), /timer ran/);
        host.sendEvent('{"waits":true}');
        await host.streamed();
        await host.idle(); // the timers have run
        host.logged();
      }
    }
  }
});

test('a stream that nobody ends has no end', async (t) => {
  const host = await streaming(t, `stream.write('half');`);
  host.sendEvent('{}');
  let ended = false;
  const answer = host.streamed().finally(() => (ended = true));
  await once(host.socket, 'data');
  await new Promise((resolve) => setTimeout(resolve, 200)); // longer than any way to an end
  assert.deepEqual([ended, host.process.exitCode], [false, null]);
  host.process.kill('SIGKILL');
  assert.equal((await answer).type, 0);
});

test('the context', async (t) => {
  const host = await streaming(t, `
    stream.end(JSON.stringify([Object.keys(context).sort(), context.awsRequestId, typeof context.getRemainingTimeInMillis()]));`);
  host.sendEvent('{}');
  const [keys, id, remaining] = JSON.parse((await host.streamed()).bytes);
  assert.deepEqual([id, remaining], ['id-1', 'number']);
  assert.ok(keys.includes('callbackWaitsForEmptyEventLoop') && !keys.includes('succeed') && !keys.includes('done'), keys);
});

test('awslambda is there for every function', async (t) => {
  const host = await become(t, `
    const kinds = Object.entries(awslambda).map(([name, value]) => name + ' ' + typeof value).sort();
    exports.handler = async () => kinds;`);
  assert.deepEqual(result(await host.invoke({})), ['HttpResponseStream function', 'streamifyResponse function']);
  const without = await become(t, `exports.handler = async () => typeof awslambda;`, { AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA: 'true' });
  assert.equal(result(await without.invoke({})), 'undefined');
  const { errorType, status } = await failedInit(t, {
    'app.js': `exports.handler = async () => {}; exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'request';`,
  });
  assert.deepEqual([errorType, status], ['Runtime.MalformedStreamingHandler', 129]);
});
