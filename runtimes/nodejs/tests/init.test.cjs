'use strict';
// Finding the handler, and what the process looks like to it.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { Host, task, become, failedInit, result, frames } = require('./host.cjs');

const COMMON = 'exports.handler = async (event) => ["common", event];';
const MODULE = 'export const handler = async (event) => ["module", event];';

test('handler names and kinds of modules', async (t) => {
  const nested = 'exports.api = { v1: { run: async () => "nested" } };';
  const type = '{"type":"module"}';
  for (const [files, handler, want] of [
    [{ 'app.js': COMMON }, 'app.handler', 'common'],
    [{ 'app.cjs': COMMON }, 'app.handler', 'common'],
    [{ 'app.mjs': MODULE }, 'app.handler', 'module'],
    [{ 'app.js': MODULE, 'package.json': type }, 'app.handler', 'module'],
    [{ 'app.cjs': COMMON, 'package.json': type }, 'app.handler', 'common'],
    [{ 'dir/sub/app.js': MODULE, 'package.json': type }, 'dir/sub/app.handler', 'module'],
    [{ 'dir/app.js': COMMON, 'dir/package.json': '{}', 'package.json': type }, 'dir/app.handler', 'common'],
    [{ 'a #%41/app.mjs': MODULE }, 'a #%41/app.handler', 'module'],
    [{ 'app.mjs': `await null; export * from "./other.mjs"`, 'other.mjs': MODULE }, 'app.handler', 'module'],
    [{ 'dir/index.js': COMMON }, 'dir.handler', 'common'],
    [{ 'node_modules/pkg/index.js': COMMON }, 'pkg.handler', 'common'],
    [{ app: COMMON }, 'app.handler', 'common'],
    [{ 'app.js': nested }, 'app.api.v1.run', undefined],
  ]) {
    await t.test(`${Object.keys(files)} ${handler}`, async (t) => {
      const host = new Host(t);
      const reply = await host.specialise(task(t, files), handler);
      assert.equal(reply.type, frames.READY, JSON.stringify(reply));
      assert.deepEqual(result(await host.invoke(1)), want ? [want, 1] : 'nested');
    });
  }
});

test('failing init', async (t) => {
  for (const [files, handler, type, message] of [
    [{}, 'nodot', 'Runtime.MalformedHandlerName', /^Bad handler$/],
    [{}, '../app.handler', 'Runtime.MalformedHandlerName', /^'..\/app.handler' is not a valid handler name\. Use absolute paths/],
    [{}, 'app.handler', 'Runtime.ImportModuleError', /^Error: Cannot find module 'app'\nRequire stack:\n/],
    [{ 'app.js': 'require("missing")' }, 'app.handler', 'Runtime.ImportModuleError', /^Error: Cannot find module 'missing'/],
    [{ 'app.js': '' }, 'app.handler', 'Runtime.HandlerNotFound', /^app\.handler is undefined or not exported$/],
    [{ 'app.js': 'exports.a = 1' }, 'app.a.b.c', 'Runtime.HandlerNotFound', /^app\.a\.b\.c is undefined or not exported$/],
    [{ 'app.js': 'exports.handler = 1' }, 'app.handler', 'Runtime.HandlerNotFound', /^app\.handler is not a function$/],
    [{ 'app.js': 'if (' }, 'app.handler', 'Runtime.UserCodeSyntaxError', /^SyntaxError: Unexpected end of input$/],
    [{ 'app.mjs': 'if (' }, 'app.handler', 'Runtime.UserCodeSyntaxError', /^SyntaxError: Unexpected end of input$/],
    [{ 'app.js': COMMON, 'package.json': '{broken' }, 'app.handler', 'Runtime.UserCodeSyntaxError', /^SyntaxError: .* in JSON/],
    [{ 'app.js': 'throw new RangeError("at load")' }, 'app.handler', 'RangeError', /^at load$/],
    [{ 'app.mjs': 'await null; throw "text"' }, 'app.handler', 'string', /^text$/],
  ]) {
    await t.test(`${type} ${Object.values(files)}`, async (t) => {
      const failed = await failedInit(t, files, handler);
      assert.equal(failed.errorType, type);
      assert.match(failed.errorMessage, message);
      if (type !== 'string') assert.ok(failed.trace[0].startsWith(`${type}: ${failed.errorMessage.split('\n')[0]}`), failed.trace[0]);
      assert.match(failed.log, /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tundefined\tERROR\tUncaught Exception \t\{"errorType":/);
      assert.equal(failed.log.split('\n').length, 2);
      assert.equal(failed.status, 129);
    });
  }
});

test('a rejection nobody handles fails init', async (t) => {
  const failed = await failedInit(t, { 'app.mjs': 'Promise.reject(new Error("lost")); await new Promise((r) => setTimeout(r, 10));' });
  assert.equal(failed.errorType, 'Runtime.UnhandledPromiseRejection');
  assert.equal(failed.errorMessage, 'Error: lost');
  assert.equal(failed.status, 128);
});

test('exit while loading', async (t) => {
  for (const [code, want, log] of [
    ['process.exit(7)', 7, /^$/],
    ['process.kill(process.pid, "SIGKILL"); await new Promise((r) => setTimeout(r, 1e6))', 'SIGKILL', /^$/],
    ['await new Promise(() => {})', 13, /^bootstrap: the module of the handler never finishes loading\n$/],
  ]) {
    await t.test(code, async (t) => {
      const host = new Host(t);
      assert.equal((await host.specialise(task(t, { 'app.mjs': code }))).type, 0);
      const [status, text] = await host.end();
      assert.equal(status, want);
      assert.match(text, log);
    });
  }
});

test('environment, directory, time zone and NODE_PATH', async (t) => {
  const host = new Host(t, { BASE: 'goes', COLOUR: 'red', TZ: ':UTC' });
  const root = task(t, {
    'app.js': `
      const atLoad = [process.env.COLOUR, require('layered').name];
      exports.handler = async () => [...atLoad, Object.keys(process.env).sort(), process.cwd(), new Date(0).getHours(), typeof awslambda];`,
  });
  const layer = task(t, { 'layered/index.js': 'exports.name = "layered";' });
  const env = { COLOUR: 'blue', TZ: 'Asia/Tokyo', NODE_PATH: layer };
  assert.equal((await host.specialise(root, 'app.handler', env)).type, frames.READY);
  assert.deepEqual(result(await host.invoke()), ['blue', 'layered', ['COLOUR', 'NODE_PATH', 'TZ'], root, 9, 'object']);
});

test('NODE_PATH without a setting', async (t) => {
  const host = await become(t, 'exports.handler = async () => require("module").globalPaths;');
  const major = process.versions.node.split('.')[0];
  const [first, second] = result(await host.invoke());
  assert.deepEqual([first, second], [`/opt/nodejs/node${major}/node_modules`, '/opt/nodejs/node_modules']);
});

test('a hot process has loaded what most functions need', async (t) => {
  const host = new Host(t, {}, true);
  const root = task(t, { 'app.js': 'const list = [...process.moduleLoadList]; exports.handler = async () => list;' });
  assert.equal((await host.specialise(root)).type, frames.READY);
  const list = result(await host.invoke());
  for (const name of ['crypto', 'http', 'https', 'tls', 'zlib']) assert.ok(list.includes(`NativeModule ${name}`), name);
});

test('an order too large for one frame', async (t) => {
  const host = await become(t, 'exports.handler = async () => process.env.LARGE.length;', { LARGE: 'x'.repeat(100000) + 'y'.repeat(31000) });
  assert.equal(result(await host.invoke()), 131000);
});

test('snapshots are refused', async (t) => {
  const host = await become(t, COMMON);
  host.write(frames.SNAPSHOT, undefined, '');
  const reply = await host.reply();
  assert.equal(reply.type, frames.INIT_ERROR);
  assert.deepEqual(reply.meta, { error_type: 'Runtime.SnapshotNotSupported' });
  assert.match(reply.value.errorMessage, /not supported for Node\.js/);
  assert.deepEqual(result(await host.invoke(1)), ['common', 1]);
});

test('the heap follows the memory of the function', async (t) => {
  const code = `
    const v8 = require('v8');
    const fill = (n) => Array.from({ length: n }, (_, i) => ({ i, list: [i], text: 's' + i }));
    exports.handler = async () => {
      const live = fill(400000);
      let most = 0;
      for (let round = 0; round < 40; round++) {
        const next = fill(100000);
        for (let i = 0; i < 20000; i++) live[(round * 20000 + i) % live.length] = next[i];
        most = Math.max(most, v8.getHeapStatistics().total_heap_size >> 20);
      }
      return most;
    };`;
  const most = [];
  for (const [memory, ...flags] of [['128'], ['3008'], ['3008', '--max-old-space-size=116', '--max-semi-space-size=6']]) {
    const host = new Host(t, {}, undefined, flags.length ? flags : ['--max-semi-space-size=8']);
    const env = { AWS_LAMBDA_FUNCTION_MEMORY_SIZE: memory };
    assert.equal((await host.specialise(task(t, { 'app.js': code }), 'app.handler', env)).type, frames.READY);
    most.push(result(await host.invoke()));
  }
  const [small, large, lambda] = most; // the last one with the flags that Lambda gives a function of 128 MB
  assert.ok(small < lambda * 1.3 && large > lambda * 1.5, `${most} MB`);
});

test('nothing is left of the rehearsal', async (t) => {
  const host = new Host(t, { BASE: 'goes' }, true);
  const root = task(t, {
    'app.js': `const Module = require('module');
      const all = [Object.keys(require.cache), Object.keys(Module._pathCache), Object.values(Module._pathCache), Module.globalPaths,
        Object.entries(process.env), Object.values(require.cache).flatMap((m) => m.children.map((c) => c.id)), process.cwd()];
      exports.handler = async () => all.flat(3).filter((text) => /rehearsal/i.test(text));`,
  });
  assert.equal((await host.specialise(root)).type, frames.READY);
  assert.deepEqual(result(await host.invoke()), []);
});
