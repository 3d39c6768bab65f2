'use strict';
// One event after the other: the warm path.

const { INVOKE, RESULT, ERROR, IDLE, STREAM, FLAG_IDLE, ProtocolError, splitMeta } = require('./frames.cjs');
const { completeContext } = require('./context.cjs');
const { toReply } = require('./errors.cjs');
const { ResponseStream, isStreaming, highWaterMark } = require('./streaming.cjs');
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
  #streaming;
  #whenEmpty = nothing;

  constructor(channel, handler, fn) {
    this.#channel = channel;
    this.#handler = handler;
    this.#function = fn;
    this.#streaming = isStreaming(handler);
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
    setRequestId(meta.id, meta.tenant_id);
    this.#setTraceId(meta.trace_id);
    this.#channel.unref();
    if (this.#streaming) {
      this.#stream(invocation, meta, text);
      return;
    }
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

  // stream runs a handler that streams its answer. The answer ends with the stream; the invocation ends when the handler
  // has ended too and, unless callbackWaitsForEmptyEventLoop is off, nothing is left to happen by itself.
  #stream(invocation, meta, text) {
    const isOpen = () => this.#current === invocation;
    let waits = true;
    let settled = false; // the handler has ended
    let failure; // holds what it failed with

    const settle = () => {
      settled = true;
      if (!isOpen() && !waits) this.#idle();
    };
    const answer = (begin) => { // ends the answer
      if (!isOpen()) return;
      const last = settled && !waits ? FLAG_IDLE : 0;
      if (failure !== undefined) {
        this.#error(invocation, failure.error, last);
      } else {
        begin();
        this.#answer(RESULT, last, stringify({ id: invocation.id }), '');
      }
      if (last === 0) this.#whenEmpty = () => this.#idle();
    };
    const stream = new ResponseStream({
      open: (type) => {
        if (isOpen()) this.#channel.send(STREAM, 0, stringify({ id: invocation.id, content_type: type }), '');
      },
      part: (chunk, sent) => {
        if (isOpen()) this.#channel.sendPart(chunk, sent);
        else sent();
      },
      end: answer,
    }, highWaterMark(this.#handler));
    const fail = (error) => {
      logError('Invoke Error', error);
      settle();
      if (failure !== undefined || !isOpen()) return;
      failure = { error };
      if (stream.destroyed) answer(); // nothing comes of its end any more
      else if (!stream.writableEnded) stream.end(); // after what was written
    };
    let broken; // what the stream was destroyed with
    stream.on('error', (error) => (broken = error));
    stream.on('close', () => {
      if (settled && !stream.writableFinished && failure === undefined) fail(broken || 'Response stream is not finished.');
    });

    // A stream that nobody ends is waited for until the timeout.
    this.#whenEmpty = () => this.#channel.ref();
    const context = completeContext({
      get callbackWaitsForEmptyEventLoop() {
        return waits;
      },
      set callbackWaitsForEmptyEventLoop(value) {
        waits = value;
      },
    }, this.#function, meta);
    try {
      const result = this.#handler.call(this.#receiver, parse(text), stream, context);
      if (!result || typeof result.then !== 'function') {
        fail('Streaming does not support non-async handlers.');
        return;
      }
      RealPromise.resolve(result).then((value) => {
        if (value !== undefined) log('WARN', 'Streaming handlers ignore return values.');
        settle();
        if (stream.destroyed && !stream.writableFinished) fail(broken || 'Response stream is not finished.');
      }, fail);
    } catch (error) {
      fail(error);
    }
  }

  // idle asks for the next event after an answer that did not.
  #idle() {
    this.#whenEmpty = nothing;
    whenFlushed(() => {
      this.#channel.ref();
      this.#channel.send(IDLE, 0, undefined, '');
    });
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
      if ((last & FLAG_IDLE) !== 0) this.#channel.ref();
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
