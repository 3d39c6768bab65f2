'use strict';
// Errors nobody catches, and processes that end.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Host, become, result, error, frames } = require('./host.cjs');

const CODE = `
  exports.handler = (event) => new Promise(() => {
    setTimeout(() => {}, 1e6);
    if (event === 'uncaught') setTimeout(() => { throw new TypeError('nobody'); });
    if (event === 'unhandled') Promise.reject(new TypeError('nobody'));
    if (event === 'unprintable') Promise.reject(Object.create(null));
    if (event === 'null') setTimeout(() => { throw null; });
    if (event === 'exit') process.exit(5);
    if (event === 'kill') process.kill(process.pid, 'SIGKILL');
  });`;

test('uncaught exception', async (t) => {
  const host = await become(t, CODE);
  const failed = error(await host.invoke('uncaught'));
  assert.deepEqual([failed.errorType, failed.errorMessage], ['TypeError', 'nobody']);
  assert.match(failed.trace[0], /^TypeError: nobody$/);
  assert.match(failed.trace[1], /^    at .*app\.js:4:\d+\)?$/);
  const [status, log] = await host.end();
  assert.equal(status, 129);
  const [, json] = log.match(/^[^\t]+\tid-1\tERROR\tUncaught Exception \t(\{.*\})\n$/);
  const entry = JSON.parse(json);
  assert.deepEqual([entry.errorType, entry.errorMessage, entry.stack], ['TypeError', 'nobody', failed.trace]);
});

test('unhandled rejection', async (t) => {
  const host = await become(t, CODE);
  const failed = error(await host.invoke('unhandled'));
  assert.deepEqual([failed.errorType, failed.errorMessage], ['Runtime.UnhandledPromiseRejection', 'TypeError: nobody']);
  const [status, log] = await host.end();
  assert.equal(status, 128);
  const [, json] = log.match(/^[^\t]+\tid-1\tERROR\tUnhandled Promise Rejection \t(\{.*\})\n$/);
  const entry = JSON.parse(json);
  assert.equal(entry.errorType, 'Runtime.UnhandledPromiseRejection');
  assert.equal(entry.reason.errorMessage, 'nobody');
  assert.deepEqual(entry.promise, {});
});

test('values that are no errors', async (t) => {
  for (const [event, status, message] of [['unprintable', 128, 'unprintable reason'], ['null', 129, /^callback called with Error argument/]]) {
    const host = await become(t, CODE);
    assert.match(error(await host.invoke(event)).errorMessage, new RegExp(message));
    assert.equal((await host.end())[0], status);
  }
});

test('exit instead of an answer', async (t) => {
  for (const [event, want] of [['exit', 5], ['kill', 'SIGKILL']]) {
    const host = await become(t, CODE);
    assert.equal((await host.invoke(event)).type, 0);
    assert.deepEqual(await host.end(), [want, '']);
  }
});

test('a crash between invocations sends nothing', async (t) => {
  const host = await become(t, `
    exports.handler = async () => { setTimeout(() => { throw new Error('later'); }, 1); return 'fine'; };`);
  assert.equal(result(await host.invoke()), 'fine');
  const [status, log] = await host.end();
  assert.equal(status, 129);
  assert.match(log, /\tid-1\tERROR\tUncaught Exception \t\{"errorType":"Error","errorMessage":"later"/);
  assert.equal((await Promise.race([host.reply(), Promise.resolve('nothing')])), 'nothing');
});

test('a result that cannot be written ends a waiting callback', async (t) => {
  const host = await become(t, 'exports.handler = (event, context, callback) => callback(null, 10n);');
  assert.equal(error(await host.invoke()).errorMessage, 'Unable to stringify response body');
  assert.equal((await host.end())[0], 129);
});

test('host goes away', async (t) => {
  const waiting = new Host(t);
  const idle = await become(t, 'setInterval(() => {}, 1000); exports.handler = async () => 1;');
  assert.equal(result(await idle.invoke()), 1);
  const busy = await become(t, 'exports.handler = () => { console.log("busy"); return new Promise((r) => setTimeout(r, 1e6)); };');
  busy.sendEvent('1');
  while (!busy.logged().includes('busy')) await new Promise(setImmediate);
  for (const host of [waiting, idle, busy]) {
    host.socket.destroy();
    assert.deepEqual(await host.end(), [0, '']);
  }
});

test('garbage from the host', async (t) => {
  const frame = (type, flags = 0, body = []) => Buffer.from([type, flags, 0, 0, body.length, 0, 0, 0, ...body]);
  for (const [bytes, message] of [
    [Buffer.from('GET / HTTP/1.1\r\n'), 'no frame header: 474554202f204854'],
    [Buffer.from([frames.SPECIALISE, 0, 0, 0, 1, 0, 4, 0]), 'no frame header: 1000000001000400'],
    [frame(frames.INVOKE), 'frame of type 0x11 instead of Specialise'],
    [Buffer.concat([frame(frames.SPECIALISE, 1), frame(frames.SPECIALISE)]), 'frame of type 0x10 inside a payload'],
  ]) {
    const host = new Host(t);
    host.socket.write(bytes);
    assert.deepEqual(await host.end(), [1, `bootstrap: ${message}\n`]);
  }
  for (const [bytes, message] of [
    [frame(frames.MORE), 'frame of type 0x12 instead of Invoke'],
    [frame(frames.INVOKE, 0, [1, 0, 0, 0]), 'metadata longer than its frame'],
  ]) {
    const host = await become(t, 'exports.handler = async () => 1;');
    host.socket.write(bytes);
    assert.deepEqual(await host.end(), [1, `bootstrap: ${message}\n`]);
  }
});
