'use strict';
// Ways to answer, values and sizes.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { become, result, error, frames } = require('./host.cjs');

test('values', async (t) => {
  // The event is the text of the value to return.
  const host = await become(t, 'exports.handler = async (event) => eval(event);');
  for (const [text, want] of [
    ['undefined', null], ['null', null], ['"text"', 'text'], ['[1, 2.5, {a: undefined}]', [1, 2.5, {}]],
    ['new Date(0)', '1970-01-01T00:00:00.000Z'], ['new Map()', {}], ['() => 1', null], ['NaN', null],
    ['Buffer.from("ab")', { type: 'Buffer', data: [97, 98] }], ['"é€😀"', 'é€😀'], ['Promise.resolve(3)', 3],
  ]) {
    assert.deepEqual(result(await host.invoke(text)), want, text);
  }
  for (const text of ['10n', '{ const a = {}; a.a = a; a }', '({ toJSON() { throw new Error("no") } })']) {
    const failed = error(await host.invoke(text));
    assert.equal(failed.errorType, 'Error');
    assert.equal(failed.errorMessage, 'Unable to stringify response body');
  }
  const chunk = frames.CHUNK_BYTES;
  for (const size of [0, 10000, 11000, chunk - 2, chunk - 1, chunk, 2 * chunk - 2, 7 << 20]) {
    assert.equal(result(await host.invoke(`"é".repeat(${size >> 1})`)).length, size >> 1);
    assert.equal(result(await host.invoke(`"x".repeat(${size})`)).length, size);
  }
  for (const size of [chunk - 100, chunk - 9, chunk, 3 * chunk, 6 << 20]) {
    assert.equal(result(await host.invoke(`"${'y'.repeat(size)}".length`)), size);
  }
});

test('events that are no JSON', async (t) => {
  const host = await become(t, 'exports.handler = async (event) => event;');
  for (const text of ['', '{', '1 2']) {
    host.sendEvent(text);
    assert.equal(error(await host.reply()).errorType, 'SyntaxError');
    assert.match(host.logged(), /\tid-1\tERROR\tInvoke Error \t\{"errorType":"SyntaxError"/);
  }
  host.sendEvent(' {"a": 1} ');
  assert.deepEqual(result(await host.reply()), { a: 1 });
});

test('every way to answer', async (t) => {
  const host = await become(t, `
    exports.handler = (event, context, callback) => {
      switch (event) {
        case 'callback': return callback(null, 'called');
        case 'callback nothing': return callback();
        case 'callback error': return callback(new RangeError('called'));
        case 'callback text': return callback('text');
        case 'callback object': return callback({ name: 'N', message: 'M', stack: 'S' });
        case 'succeed': return context.succeed('succeeded');
        case 'fail': return context.fail(new TypeError('failed'));
        case 'fail nothing': return context.fail();
        case 'done': return context.done(null, 'done');
        case 'done error': return context.done(new Error('done'));
        case 'promise': return new Promise((resolve) => setTimeout(resolve, 1, 'resolved'));
        case 'thenable': return { then: (resolve) => resolve('thenable') };
        case 'reject': return Promise.reject(new Error('rejected'));
        case 'reject nothing': return Promise.reject();
        case 'throw': throw new EvalError('thrown');
        case 'nothing': return 'ignored';
        case 'never': return new Promise(() => {});
        case 'twice': callback(null, 'first'); callback(null, 'second'); context.done(new Error('third')); return;
        case 'this': return Promise.resolve(typeof this);
      }
    };`);
  for (const [event, want] of Object.entries({
    callback: 'called', 'callback nothing': null, succeed: 'succeeded', done: 'done', promise: 'resolved', thenable: 'thenable',
    nothing: null, never: null, twice: 'first', this: 'object',
  })) {
    assert.equal(result(await host.invoke(event)), want, event);
  }
  assert.equal(host.logged(), '');
  for (const [event, type, message] of [
    ['callback error', 'RangeError', 'called'], ['callback text', 'string', 'text'], ['callback object', 'N', 'M'],
    ['fail', 'TypeError', 'failed'], ['fail nothing', 'string', 'handled'], ['done error', 'Error', 'done'],
    ['reject', 'Error', 'rejected'], ['reject nothing', 'string', 'handled'], ['throw', 'EvalError', 'thrown'],
  ]) {
    const failed = error(await host.invoke(event));
    assert.deepEqual([failed.errorType, failed.errorMessage], [type, message]);
    assert.match(host.logged(), /^[^\n]*\tid-1\tERROR\tInvoke Error \t\{[^\n]*\n$/);
  }
});

test('a callback waits for the empty event loop', async (t) => {
  const host = await become(t, `
    let steps = [];
    exports.handler = (event, context, callback) => {
      const before = context.callbackWaitsForEmptyEventLoop;
      context.callbackWaitsForEmptyEventLoop = event.waits;
      steps = [];
      setTimeout(() => { steps.push('first'); setTimeout(() => steps.push('second'), 5); }, 5);
      callback(null, { before, steps });
    };`);
  assert.deepEqual(result(await host.invoke({ waits: true })), { before: true, steps: ['first', 'second'] });
  assert.deepEqual(result(await host.invoke({ waits: false })), { before: true, steps: [] });
});

test('a late callback changes nothing', async (t) => {
  const host = await become(t, `
    let late;
    exports.handler = (event, context, callback) => {
      if (event === 'keep') { late = callback; return context.succeed.call(null, 'kept') || undefined; }
      if (event === 'forget') { late = callback; return; }
      if (event === 'late') { late(null, 'late'); late(new Error('late')); }
      setTimeout(() => callback(null, event), 5);
    };`);
  assert.equal(result(await host.invoke('forget')), null);
  assert.equal(result(await host.invoke('late')), 'late');
  assert.match(host.logged(), /^[^\n]*\tERROR\tThis invocation has been answered already[^\n]*\n$/);
  assert.equal(result(await host.invoke('keep')), 'kept');
  assert.equal(result(await host.invoke('late')), 'late');
  assert.equal(host.logged(), '');
});

test('timers run while the process waits for an event', async (t) => {
  const host = await become(t, `
    let ticks = 0;
    setInterval(() => { ticks++; if (ticks === 5) process.stdout.write('five'); }, 2).unref();
    exports.handler = async () => ticks;`);
  while (!host.logged().includes('five')) await new Promise(setImmediate);
  assert.ok(result(await host.invoke()) >= 5);
});
