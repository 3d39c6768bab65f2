'use strict';
// The host's side for tests: starts the bootstrap as the agent does and speaks frames with it.

const assert = require('node:assert/strict');
const { spawn } = require('node:child_process');
const { once } = require('node:events');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const frames = require('../lib/frames.cjs');

const ARN = 'arn:aws:lambda:us-east-1:000000000000:function:f';

// task writes files, by relative name, into a new directory.
function task(t, files) {
  const directory = fs.mkdtempSync(path.join(fs.realpathSync(os.tmpdir()), 'thaw-nodejs-'));
  t.after(() => fs.rmSync(directory, { recursive: true }));
  for (const [name, text] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(directory, name)), { recursive: true });
    fs.writeFileSync(path.join(directory, name), text);
  }
  return directory;
}

// Whether processes wait for Specialise, as in a hot slot, unless a test says so. Otherwise it is sent as they start.
const HOT = process.env.HOT === '1';

// Host is one bootstrap process.
class Host {
  #messages = [];
  #waiting = [];
  #logFile;
  #logged = 0;
  #warmed = () => {};
  #specialised = false; // the process has answered something
  idles = 0; // how often the process asked for its next event since then
  #warm; // settles when the process says that it is warm, or at once

  constructor(t, env = {}, hot = HOT, flags = []) {
    this.#logFile = path.join(task(t, { log: '' }), 'log');
    const log = fs.openSync(this.#logFile, 'a');
    this.process = spawn(process.execPath, [...flags, path.join(__dirname, '../bootstrap.cjs')], {
      stdio: ['ignore', log, log, 'pipe'],
      env: { PATH: process.env.PATH, ...env },
    });
    fs.closeSync(log);
    this.ended = once(this.process, 'exit');
    this.#warm = hot ? Promise.race([new Promise((resolve) => (this.#warmed = resolve)), this.ended]) : undefined;
    this.socket = this.process.stdio[3];
    const reader = new frames.Reader((type, body) => this.#message({ type, body: Buffer.from(body) }));
    this.socket.on('data', (data) => reader.push(data, data.length));
    this.socket.on('error', () => {});
    this.ended.then(() => this.#waiting.splice(0).forEach((waiting) => waiting({ type: 0, body: Buffer.alloc(0) })));
    t.after(async () => {
      this.process.kill('SIGKILL');
      await this.ended;
    });
  }

  // specialise sends Specialise and returns the answer.
  async specialise(taskRoot, handler = 'app.handler', env = {}) {
    await this.#warm;
    this.write(frames.SPECIALISE, undefined, JSON.stringify({ handler, task_root: taskRoot, env }));
    return this.reply();
  }

  // invoke sends an event and returns the answer.
  invoke(event, meta = {}) {
    this.sendEvent(JSON.stringify(event === undefined ? null : event), meta);
    return this.reply();
  }

  sendEvent(text, meta = {}) {
    const all = { id: 'id-1', deadline_ms: Date.now() + 60000, arn: ARN, ...meta };
    this.write(frames.INVOKE, JSON.stringify(all), text);
  }

  write(type, meta, payload) {
    this.socket.write(Buffer.from(frames.encode(type, 0, meta, payload)));
  }

  // message returns the next message; its type is 0 if the process ended instead.
  async message() {
    return this.#messages.shift() || (await new Promise((resolve) => this.#waiting.push(resolve)));
  }

  // streamed reads a streamed answer to its end: content type, bytes, and the reply that ends it. each, if given, is
  // called with each part.
  async streamed(each = () => {}) {
    let contentType;
    const parts = [];
    for (;;) {
      const { type, body } = await this.message();
      if (type === frames.STREAM) {
        assert.equal(contentType, undefined);
        contentType = JSON.parse(frames.splitMeta(body)[0]).content_type;
      } else if (type === frames.PART) {
        assert.notEqual(contentType, undefined);
        assert.ok(body.length > 0);
        parts.push(body);
        each(body);
      } else {
        const [meta, payload] = body.length === 0 ? ['{}', ''] : frames.splitMeta(body);
        return { contentType, bytes: Buffer.concat(parts), parts: parts.length, type, meta: JSON.parse(meta), payload };
      }
    }
  }

  // idle waits until the process asks for its next event by itself.
  async idle() {
    while (this.idles === 0) await once(this.socket, 'data');
    this.idles--;
  }

  // reply returns the next message: its type, 0 if the process ended instead, its metadata and its payload.
  async reply() {
    const { type, body } = await this.message();
    if (body.length === 0) return { type };
    const [meta, payload] = frames.splitMeta(body);
    return { type, meta: JSON.parse(meta), value: JSON.parse(payload) };
  }

  #message(message) {
    if (message.type === frames.IDLE) {
      if (this.#specialised) this.idles++;
      this.#warmed();
      return;
    }
    this.#specialised = true;
    const waiting = this.#waiting.shift();
    if (waiting) waiting(message);
    else this.#messages.push(message);
  }

  // logged returns what the process wrote since the last call.
  logged() {
    const text = fs.readFileSync(this.#logFile, 'utf8').slice(this.#logged);
    this.#logged += text.length;
    return text;
  }

  // end waits for the process to end by itself; it returns its status, or the signal that ended it, and its log.
  async end() {
    const [code, signal] = await this.ended;
    return [code === null ? signal : code, this.logged()];
  }
}

// become returns a host whose process has become the function app.handler of code.
async function become(t, code, env = {}, file = 'app.js') {
  const host = new Host(t);
  const reply = await host.specialise(task(t, { [file]: code }), 'app.handler', env);
  assert.equal(reply.type, frames.READY, JSON.stringify(reply));
  return host;
}

// failedInit returns the error object of a function that cannot be loaded, its log and its exit status.
async function failedInit(t, files, handler = 'app.handler') {
  const host = new Host(t);
  const reply = await host.specialise(task(t, files), handler);
  assert.equal(reply.type, frames.INIT_ERROR, JSON.stringify(reply));
  assert.deepEqual(reply.meta, { error_type: reply.value.errorType });
  const [status, log] = await host.end();
  return { ...reply.value, log, status };
}

function result(reply) {
  assert.equal(reply.type, frames.RESULT, JSON.stringify(reply));
  return reply.value;
}

function error(reply) {
  assert.equal(reply.type, frames.ERROR, JSON.stringify(reply));
  assert.equal(reply.meta.error_type, reply.value.errorType);
  return reply.value;
}

module.exports = { ARN, Host, task, become, failedInit, result, error, frames };
