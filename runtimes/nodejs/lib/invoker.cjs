'use strict';
// One event after the other: the warm path.

const { INVOKE, RESULT, ERROR, FLAG_IDLE, ProtocolError, splitMeta } = require('./frames.cjs');
const { completeContext } = require('./context.cjs');
const { toReply } = require('./errors.cjs');
const { setRequestId, log, logError, whenFlushed } = require('./logs.cjs');

const { parse, stringify } = JSON;
const RealPromise = Promise;
const TRACE_ID = '_X_AMZN_TRACE_ID';
const nothing = () => {};

class Invoker {
  #channel;
  #handler;
  #function;
  #receiver = {}; // what `this` is in a handler
  #current; // the invocation that has no answer yet: an object of its own, since ids come again with retries
  #traced = true;
  #whenEmpty = nothing;

  constructor(channel, handler, fn) {
    this.#channel = channel;
    this.#handler = handler;
    this.#function = fn;
  }

  // loopEmpty is to be called when nothing is left that could still happen by itself.
  loopEmpty() {
    this.#whenEmpty();
  }

  // receive takes a message and runs the handler.
  receive(type, body) {
    if (type !== INVOKE || this.#current !== undefined) {
      throw new ProtocolError(`frame of type 0x${type.toString(16)} instead of Invoke`);
    }
    const [metaText, text] = splitMeta(body);
    const meta = parse(metaText);
    const invocation = (this.#current = { id: meta.id });
    setRequestId(meta.id);
    this.#setTraceId(meta.trace_id);
    this.#channel.unref();
    this.#whenEmpty = () => this.#result(invocation, null);
    const [callback, context] = this.#waysToAnswer(invocation);
    try {
      const event = parse(text);
      const result = this.#handler.call(this.#receiver, event, completeContext(context, this.#function, meta), callback);
      if (result && typeof result.then === 'function') {
        RealPromise.resolve(result).then(context.succeed, context.fail).catch(context.fail);
      }
    } catch (error) {
      callback(error);
    }
  }

  // fail answers the current invocation, if there is one, with an error that ends the process; then calls ended.
  fail(error, ended) {
    if (this.#current === undefined) {
      whenFlushed(ended);
    } else {
      this.#error(this.#current, error, 0, ended);
    }
  }

  // waysToAnswer returns the callback and a context with succeed, fail and done. Only the first call of any counts.
  #waysToAnswer(invocation) {
    let waits = true;
    let finished = false;
    const once = (answer) => (...args) => {
      if (finished) return;
      if (this.#current === invocation) {
        answer(...args);
      } else {
        log('ERROR', 'This invocation has been answered already; what it calls back now is ignored.');
      }
      finished = true; // not if the result could not be sent: then the error can
    };
    const done = (error, result) => {
      if (error === undefined || error === null) {
        this.#result(invocation, result);
      } else {
        logError('Invoke Error', error);
        this.#error(invocation, error, FLAG_IDLE);
      }
    };
    const callback = (error, result) => {
      if (waits && (error === undefined || error === null)) {
        this.#whenEmpty = () => this.#result(invocation, result);
      } else {
        done(error, result);
      }
    };
    const context = {
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
      succeed: once((result) => done(null, result)),
      fail: once((error) => done(error === undefined || error === null ? 'handled' : error)),
      done: once(done),
    };
    return [once(callback), context];
  }

  #result({ id }, result) {
    let text;
    try {
      text = stringify(result === undefined ? null : result);
    } catch {
      throw new Error('Unable to stringify response body');
    }
    this.#answer(RESULT, FLAG_IDLE, `{"id":${stringify(id)}}`, text === undefined ? 'null' : text);
  }

  #error({ id }, error, last, sent) {
    const reply = toReply(error);
    this.#answer(ERROR, last, stringify({ id, error_type: reply.errorType }), stringify(reply), sent);
  }

  #answer(type, last, meta, payload, sent) {
    this.#current = undefined;
    this.#whenEmpty = nothing;
    whenFlushed(() => {
      this.#channel.ref();
      this.#channel.send(type, last, meta, payload, sent);
    });
  }

  #setTraceId(id) {
    if (id) {
      process.env[TRACE_ID] = id;
    } else if (this.#traced) {
      delete process.env[TRACE_ID];
    }
    this.#traced = Boolean(id);
  }
}

module.exports = { Invoker };
