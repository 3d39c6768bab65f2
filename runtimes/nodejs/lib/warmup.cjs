'use strict';
// What can be done before the function is known, so that no invocation waits for it.

const Module = require('module');
const path = require('path');
const { pathToFileURL } = require('url');
const { enter } = require('./environment.cjs');
const { load } = require('./handler.cjs');
const { INVOKE, RESULT, Reader, encode } = require('./frames.cjs');
const { Invoker } = require('./invoker.cjs');
const { setRequestId } = require('./logs.cjs');
const { toLog, toReply } = require('./errors.cjs');

// Modules that most functions load, among them all that an HTTPS client needs.
const MODULES = [
  'async_hooks', 'buffer', 'child_process', 'crypto', 'events', 'fs', 'fs/promises', 'http', 'https', 'net', 'os', 'path',
  'querystring', 'stream', 'string_decoder', 'timers', 'tls', 'url', 'util', 'zlib',
];

const REHEARSAL = path.join(__dirname, '../rehearsal');
const STARTS = 3;
const EVENTS = 30;

// warmUp loads the modules and rehearses, unless isWaiting() says that the function has come meanwhile.
async function warmUp(isWaiting) {
  for (const name of MODULES) require(name);
  await import(pathToFileURL(path.join(REHEARSAL, 'module.mjs'))); // loads the loader of ES modules
  if (isWaiting()) await rehearse(); // no message is received meanwhile: it waits for promises only
}

async function rehearse() {
  await rehearseStart();
  await rehearseEvents();
}

// rehearseStart becomes a function, a few times, and leaves nothing of it.
async function rehearseStart() {
  const cwd = process.cwd();
  const env = { ...process.env };
  const file = path.join(REHEARSAL, 'app.cjs');
  for (let i = 0; i < STARTS; i++) {
    enter(REHEARSAL, { ...env, REHEARSAL: String(i) });
    const handler = await load(REHEARSAL, 'app.handler');
    await handler({ name: 'rehearsal' });
    forget(file);
  }
  enter(cwd, env);
}

// forget makes as if the module in file had never been loaded.
function forget(file) {
  const { [file]: loaded } = require.cache;
  delete require.cache[file];
  for (const other of Object.values(require.cache)) {
    const at = other.children.indexOf(loaded);
    if (at >= 0) other.children.splice(at, 1);
  }
  for (const [key, found] of Object.entries(Module._pathCache)) if (found === file) delete Module._pathCache[key];
}

// rehearseEvents runs the warm path against itself: its code is then compiled and paged in.
async function rehearseEvents() {
  let answers = 0;
  const channel = {
    ref() {},
    unref() {},
    send(type, last, meta, payload) {
      if (type === RESULT && encode(type, last, meta, payload).length > 0) answers++;
    },
  };
  const invoker = new Invoker(channel, async (event) => event, {});
  const reader = new Reader((type, body) => invoker.receive(type, body));
  const event = JSON.stringify({ key: 'value', list: [1, 2.5, null, true] });
  const meta = JSON.stringify({ id: 'rehearsal', deadline_ms: 0, arn: 'arn' });
  for (let i = 1; i <= EVENTS; i++) {
    const frame = Buffer.from(encode(INVOKE, 0, meta, event));
    reader.push(frame, frame.length);
    while (answers < i) await null;
  }
  const error = new Error('rehearsal');
  toReply(error);
  toLog(error);
  setRequestId(undefined);
}

module.exports = { warmUp };
