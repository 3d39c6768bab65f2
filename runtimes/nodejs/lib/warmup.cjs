'use strict';
// What can be done before the function is known, so that no invocation waits for it.

const { INVOKE, RESULT, Reader, encode } = require('./frames.cjs');
const { Invoker } = require('./invoker.cjs');
const { setRequestId } = require('./logs.cjs');
const { toLog, toReply } = require('./errors.cjs');

// Modules that most functions load, among them all that an HTTPS client needs.
const MODULES = [
  'async_hooks', 'buffer', 'child_process', 'crypto', 'events', 'fs', 'fs/promises', 'http', 'https', 'net', 'os', 'path',
  'querystring', 'stream', 'string_decoder', 'timers', 'tls', 'url', 'util', 'zlib',
];

const REHEARSALS = 30;

// warmUp loads the modules and rehearses, unless isWaiting() says that the function has come meanwhile.
async function warmUp(isWaiting) {
  for (const name of MODULES) require(name);
  await import('data:text/javascript,'); // loads the loader of ES modules
  if (isWaiting()) await rehearse(); // no message is received meanwhile: it waits for promises only
}

// rehearse runs the warm path against itself: its code is then compiled and paged in.
async function rehearse() {
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
  for (let i = 1; i <= REHEARSALS; i++) {
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
