'use strict';
// Frames in memory. The Go package link specifies them.

const SPECIALISE = 0x10, INVOKE = 0x11, MORE = 0x12, SNAPSHOT = 0x13;
const READY = 0x50, INIT_ERROR = 0x51, RESULT = 0x52, ERROR = 0x53, IDLE = 0x54, STREAM = 0x55, PART = 0x56;
const FLAG_MORE = 1, FLAG_IDLE = 2;

const HEADER_BYTES = 8;
const MAX_FRAME_BYTES = 256 << 10;
const CHUNK_BYTES = 128 << 10;

// The other side sent something that is no frame, or none that belongs here.
class ProtocolError extends Error {}

// Reader puts messages together from bytes as they come. receive gets the type and the body of each, the bodies of all
// its frames joined; the body is valid until receive returns.
class Reader {
  #receive;
  #rest = []; // bytes of an unfinished frame
  #restBytes = 0;
  #wantedBytes = 0; // as many are needed to go on
  #type = 0; // of an unfinished message, 0 between messages
  #parts = []; // bodies of its frames

  constructor(receive) {
    this.#receive = receive;
  }

  // push takes the first length bytes of buffer, which may be reused afterwards.
  push(buffer, length) {
    if (this.#restBytes > 0) {
      this.#rest.push(Buffer.from(buffer.subarray(0, length)));
      this.#restBytes += length;
      if (this.#restBytes < this.#wantedBytes) return;
      buffer = Buffer.concat(this.#rest);
      length = this.#restBytes;
      this.#rest = [];
      this.#restBytes = 0;
    }
    let start = 0;
    let wanted = HEADER_BYTES;
    while (length - start >= HEADER_BYTES) {
      const flags = buffer[start + 1];
      const size = buffer.readUInt32LE(start + 4);
      if (buffer[start + 2] !== 0 || buffer[start + 3] !== 0 || size > MAX_FRAME_BYTES || flags > (FLAG_MORE | FLAG_IDLE)) {
        throw new ProtocolError(`no frame header: ${buffer.toString('hex', start, start + HEADER_BYTES)}`);
      }
      const end = start + HEADER_BYTES + size;
      if (end > length) {
        wanted = end - start;
        break;
      }
      this.#frame(buffer[start], flags, buffer.subarray(start + HEADER_BYTES, end));
      start = end;
    }
    if (start < length) {
      this.#rest.push(Buffer.from(buffer.subarray(start, length)));
      this.#restBytes = length - start;
      this.#wantedBytes = wanted;
    }
  }

  #frame(type, flags, body) {
    const more = (flags & FLAG_MORE) !== 0;
    if (this.#type === 0) {
      if (!more) {
        this.#receive(type, body);
        return;
      }
      this.#type = type;
    } else if (type !== MORE) {
      throw new ProtocolError(`frame of type 0x${type.toString(16)} inside a payload`);
    }
    this.#parts.push(Buffer.from(body));
    if (more) return;
    const whole = Buffer.concat(this.#parts);
    const first = this.#type;
    this.#type = 0;
    this.#parts = [];
    this.#receive(first, whole);
  }
}

// splitMeta takes a body apart that begins with metadata: returns both parts as text.
function splitMeta(body) {
  const size = body.length >= 4 ? body.readUInt32LE(0) : Infinity;
  if (size > body.length - 4) throw new ProtocolError('metadata longer than its frame');
  return [body.toString('utf8', 4, 4 + size), body.toString('utf8', 4 + size)];
}

const small = Buffer.allocUnsafeSlow(32 << 10);

// encode returns the frames of a message whose last one carries the flags last; meta, unless undefined, and payload are
// text. The buffer is valid until the next call.
function encode(type, last, meta, payload) {
  const prefix = meta === undefined ? 0 : 4;
  if (((meta === undefined ? 0 : meta.length) + payload.length) * 3 + HEADER_BYTES + prefix > small.length) {
    return encodeLarge(type, last, meta, payload);
  }
  let end = HEADER_BYTES + prefix;
  if (prefix > 0) {
    const size = small.write(meta, end);
    small.writeUInt32LE(size, HEADER_BYTES);
    end += size;
  }
  end += small.write(payload, end);
  writeHeader(small, 0, type, last, end - HEADER_BYTES);
  return small.subarray(0, end);
}

function encodeLarge(type, last, meta, payload) {
  let head = Buffer.alloc(0);
  if (meta !== undefined) {
    head = Buffer.from('\0\0\0\0' + meta);
    head.writeUInt32LE(head.length - 4, 0);
  }
  const content = Buffer.from(payload);
  const out = Buffer.allocUnsafe(head.length + content.length + HEADER_BYTES * (Math.floor(content.length / CHUNK_BYTES) + 1));
  let end = 0;
  let sent = 0;
  do {
    const part = content.subarray(sent, sent + CHUNK_BYTES);
    sent += part.length;
    writeHeader(out, end, type, sent < content.length ? FLAG_MORE : last, head.length + part.length);
    end += HEADER_BYTES;
    end += head.copy(out, end);
    end += part.copy(out, end);
    type = MORE;
    head = Buffer.alloc(0);
  } while (sent < content.length);
  return out.subarray(0, end);
}

// encodeParts returns the Part frames that carry chunk, which is not empty. The buffer is valid until the next call.
function encodeParts(chunk) {
  const size = chunk.length + HEADER_BYTES * Math.ceil(chunk.length / CHUNK_BYTES);
  const out = size <= small.length ? small : Buffer.allocUnsafe(size);
  let end = 0;
  for (let sent = 0; sent < chunk.length; sent += CHUNK_BYTES) {
    const part = chunk.subarray(sent, sent + CHUNK_BYTES);
    writeHeader(out, end, PART, 0, part.length);
    out.set(part, end + HEADER_BYTES);
    end += HEADER_BYTES + part.length;
  }
  return out.subarray(0, end);
}

function writeHeader(buffer, at, type, flags, size) {
  buffer[at] = type;
  buffer[at + 1] = flags;
  buffer[at + 2] = 0;
  buffer[at + 3] = 0;
  buffer.writeUInt32LE(size, at + 4);
}

module.exports = {
  SPECIALISE, INVOKE, MORE, SNAPSHOT, READY, INIT_ERROR, RESULT, ERROR, IDLE, STREAM, PART, FLAG_MORE, FLAG_IDLE, CHUNK_BYTES,
  ProtocolError, Reader, splitMeta, encode, encodeParts,
};
