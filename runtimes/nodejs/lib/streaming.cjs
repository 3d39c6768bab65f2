'use strict';
// Response streaming: the global awslambda, and the stream that a streaming handler writes its answer to.

const { Writable } = require('stream');
const { InvalidStreamingOperation, MalformedStreamingHandler } = require('./errors.cjs');

const { stringify } = JSON;

// Properties of a handler that say how it answers. Frameworks look at them, too.
const STREAMING = Symbol.for('aws.lambda.runtime.handler.streaming');
const HIGH_WATER_MARK = Symbol.for('aws.lambda.runtime.handler.streaming.highWaterMark');

const OCTETS = 'application/octet-stream';
const HTTP_RESPONSE = 'application/vnd.awslambda.http-integration-response';
const END_OF_PRELUDE = new Uint8Array(8);

// ResponseStream is a Writable whose chunks leave the process at once. open is called with the content type before the
// first chunk, part for each chunk with a callback for when it is out, end when there will be no more; end gets a function
// that opens the stream if nothing has yet.
class ResponseStream extends Writable {
  #open;
  #part;
  #end;
  #contentType = OCTETS;
  #opened = false;
  _onBeforeFirstWrite; // called with a write function; packages that know Amazon's client set it

  constructor({ open, part, end }, highWaterMark) {
    super({ highWaterMark, decodeStrings: true });
    this.#open = open;
    this.#part = part;
    this.#end = end;
  }

  setContentType(type) {
    if (this.#opened) throw new InvalidStreamingOperation('Cannot set content-type, too late.');
    this.#contentType = String(type);
  }

  // write takes any value: what is neither text nor bytes is sent as JSON.
  write(chunk, ...rest) {
    if (typeof chunk !== 'string' && !(chunk instanceof Uint8Array)) chunk = stringify(chunk);
    return super.write(chunk, ...rest);
  }

  _write(chunk, _, sent) {
    this.#begin();
    if (chunk.length > 0) this.#part(chunk, sent);
    else sent();
  }

  _final(done) {
    this.#end(() => this.#begin());
    done();
  }

  #begin() {
    if (this.#opened) return;
    this.#opened = true;
    this.#open(this.#contentType);
    const before = this._onBeforeFirstWrite;
    if (typeof before === 'function') {
      before((chunk) => {
        const bytes = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
        if (bytes.length > 0) this.#part(bytes, () => {});
      });
    }
  }
}

// HttpResponseStream gives an answer the status, headers and cookies of an HTTP response.
class HttpResponseStream {
  static from(stream, prelude) {
    stream.setContentType(HTTP_RESPONSE);
    const text = stringify(prelude);
    stream._onBeforeFirstWrite = (write) => {
      write(text);
      write(END_OF_PRELUDE);
    };
    return stream;
  }
}

// streamifyResponse marks a handler as one that streams.
function streamifyResponse(handler, options) {
  handler[STREAMING] = 'response';
  if (options && typeof options.highWaterMark === 'number') handler[HIGH_WATER_MARK] = Math.trunc(options.highWaterMark);
  return handler;
}

// install makes the global awslambda, unless the function's variables forbid it.
function install() {
  if (['1', 'true'].includes(process.env.AWS_LAMBDA_NODEJS_NO_GLOBAL_AWSLAMBDA)) delete globalThis.awslambda;
  else globalThis.awslambda = { streamifyResponse, HttpResponseStream };
}

// isStreaming tells whether a handler streams.
function isStreaming(handler) {
  const { [STREAMING]: way } = handler;
  if (way === undefined || way === null || way === false) return false;
  if (way !== 'response') throw new MalformedStreamingHandler('Only response streaming is supported.');
  return true;
}

function highWaterMark(handler) {
  const bytes = Number.parseInt(handler[HIGH_WATER_MARK], 10);
  return Number.isNaN(bytes) ? undefined : bytes;
}

module.exports = { ResponseStream, install, isStreaming, highWaterMark };
