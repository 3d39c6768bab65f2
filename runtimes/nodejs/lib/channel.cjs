'use strict';
// The data channel: a socket that keeps the process alive while it waits for an event, and only then.

const { Socket } = require('net');
const { writeSync } = require('fs');
const { Reader, encode, encodeParts } = require('./frames.cjs');

class Channel {
  #fd;
  #socket;
  #ended;

  // receive gets each message, as frames.Reader calls it. ended is called once the other side is gone.
  constructor(fd, receive, ended) {
    this.#fd = fd;
    this.#ended = ended;
    const reader = new Reader(receive);
    this.#socket = new Socket({
      fd,
      onread: {
        buffer: Buffer.allocUnsafeSlow(64 << 10),
        callback: (length, buffer) => {
          reader.push(buffer, length);
          return true;
        },
      },
    });
    this.#socket.on('end', ended).on('error', ended);
  }

  // send sends a message, as frames.encode makes it; sent, if given, is called when it is out.
  send(type, last, meta, payload, sent) {
    this.#write(encode(type, last, meta, payload), sent);
  }

  // sendPart sends bytes of a streamed result; sent is called when they are out.
  sendPart(chunk, sent) {
    this.#write(encodeParts(chunk), sent);
  }

  #write(frames, sent) {
    let written = 0;
    try {
      // What was left of an earlier message goes first.
      while (written < frames.length && this.#socket.writableLength === 0) written += writeSync(this.#fd, frames, written);
    } catch (error) {
      if (error.code !== 'EAGAIN') {
        this.#ended();
        return;
      }
    }
    if (written < frames.length) {
      this.#socket.write(Buffer.from(frames.subarray(written)), sent);
    } else if (sent !== undefined) {
      sent();
    }
  }

  // ref and unref say whether waiting for a message keeps the process alive.
  ref() {
    this.#socket.ref();
  }

  unref() {
    this.#socket.unref();
  }
}

module.exports = { Channel };
