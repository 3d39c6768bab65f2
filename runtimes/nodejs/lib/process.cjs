'use strict';
// The life of the process: wait for a function, become its runtime, end.

const { SPECIALISE, SNAPSHOT, READY, INIT_ERROR, IDLE, ProtocolError } = require('./frames.cjs');
const { describeFunction } = require('./context.cjs');
const { enter } = require('./environment.cjs');
const { UnhandledPromiseRejection, toReply } = require('./errors.cjs');
const { load } = require('./handler.cjs');
const { Invoker } = require('./invoker.cjs');
const { logError, whenFlushed } = require('./logs.cjs');

const { parse, stringify } = JSON;
const exit = process.exit.bind(process);

// The answer to Snapshot. Copies of the process would repeat Math.random and crypto.randomUUID, and nothing in Node.js
// can reseed them.
const NOT_SUPPORTED = {
  errorType: 'Runtime.SnapshotNotSupported',
  errorMessage: 'Snapshots are not supported for Node.js: its copies would generate the same random numbers.',
  trace: [],
};

class Process {
  #channel;
  #invoker; // undefined until the function is loaded
  #loading = false;
  #ending = false;

  // run waits for messages; open opens the channel, given what it calls with a message and when it has ended.
  run(open) {
    process.on('uncaughtException', (error) => this.#uncaught(error));
    process.on('unhandledRejection', (reason, promise) => {
      const error = new UnhandledPromiseRejection(describe(reason));
      this.#crash('Unhandled Promise Rejection', Object.assign(error, { reason, promise }), 128);
    });
    process.on('beforeExit', () => this.#loopEmpty());
    this.#channel = open((type, body) => this.#receive(type, body), () => exit(0));
  }

  // warm tells the host that nothing is left to do without a function.
  warm() {
    if (this.isWaiting()) this.#channel.send(IDLE, 0, undefined, '');
  }

  // isWaiting tells whether the process has not got its function yet.
  isWaiting() {
    return !this.#loading;
  }

  #receive(type, body) {
    if (type === SNAPSHOT && this.#invoker !== undefined) {
      this.#channel.send(INIT_ERROR, 0, stringify({ error_type: NOT_SUPPORTED.errorType }), stringify(NOT_SUPPORTED));
    } else if (this.#invoker !== undefined) {
      this.#invoker.receive(type, body);
    } else if (type === SPECIALISE && !this.#loading) {
      this.#become(parse(body.toString()));
    } else {
      throw new ProtocolError(`frame of type 0x${type.toString(16)} instead of Specialise`);
    }
  }

  #become(order) {
    this.#loading = true;
    this.#channel.unref();
    enter(order.task_root, order.keep_env ? { ...process.env } : order.env);
    load(order.task_root, order.handler).then(
      (handler) => {
        this.#invoker = new Invoker(this.#channel, handler, describeFunction());
        this.#channel.ref();
        whenFlushed(() => this.#channel.send(READY, 0, undefined, ''));
      },
      (error) => this.#uncaught(error),
    );
  }

  #loopEmpty() {
    if (this.#invoker !== undefined) {
      this.#invoker.loopEmpty();
    } else if (this.#loading && !this.#ending) {
      this.#end('bootstrap: the module of the handler never finishes loading', 13);
    }
  }

  #uncaught(error) {
    if (error instanceof ProtocolError) {
      this.#end(`bootstrap: ${error.message}`, 1);
    } else {
      this.#crash('Uncaught Exception', error, 129);
    }
  }

  // crash reports an error that nobody caught and ends the process. Between invocations it goes to the log only.
  #crash(what, error, status) {
    if (this.#ending) return;
    this.#ending = true;
    logError(what, error);
    const leave = () => exit(status);
    if (this.#invoker !== undefined) {
      this.#invoker.fail(error, leave);
    } else {
      const reply = toReply(error);
      const meta = stringify({ error_type: reply.errorType });
      whenFlushed(() => this.#channel.send(INIT_ERROR, 0, meta, stringify(reply), leave));
    }
  }

  #end(message, status) {
    this.#ending = true;
    process.stderr.write(message + '\n');
    whenFlushed(() => exit(status));
  }
}

function describe(reason) {
  try {
    return String(reason);
  } catch {
    return 'unprintable reason';
  }
}

module.exports = { Process };
