'use strict';
// Frames cut into pieces at every place.

const assert = require('node:assert/strict');
const { test } = require('node:test');
const { INVOKE, READY, CHUNK_BYTES, FLAG_IDLE, FLAG_MORE, MORE, Reader, encode, splitMeta } = require('../lib/frames.cjs');

test('messages arrive whole however the bytes are cut', () => {
  const sent = [[INVOKE, '{"id":"é"}', 'payload ü'], [READY, undefined, ''], [INVOKE, '{}', '']];
  const bytes = Buffer.concat(sent.map(([type, meta, payload]) => Buffer.from(encode(type, 0, meta, payload))));
  for (let size = 1; size <= bytes.length; size++) {
    const got = [];
    const reader = new Reader((type, body) => got.push(body.length ? [type, ...splitMeta(body)] : [type, undefined, '']));
    const buffer = Buffer.alloc(size); // used again for each piece, as a socket does
    for (let at = 0; at < bytes.length; at += size) reader.push(buffer, bytes.copy(buffer, 0, at, at + size));
    assert.deepEqual(got, sent);
  }
});

test('large payloads become several frames', () => {
  for (const [length, count] of [[0, 1], [CHUNK_BYTES, 1], [CHUNK_BYTES + 1, 2], [2 * CHUNK_BYTES, 2], [3 * CHUNK_BYTES + 5, 4]]) {
    const bytes = Buffer.from(encode(INVOKE, FLAG_IDLE, '{}', 'x'.repeat(length)));
    const heads = [];
    for (let at = 0; at < bytes.length; at += 8 + bytes.readUInt32LE(at + 4)) heads.push([bytes[at], bytes[at + 1]]);
    assert.equal(heads.length, count);
    heads.forEach((head, i) => assert.deepEqual(head, [i === 0 ? INVOKE : MORE, i === count - 1 ? FLAG_IDLE : FLAG_MORE]));
    let total = 0;
    new Reader((_, body) => (total = splitMeta(body)[1].length)).push(bytes, bytes.length);
    assert.equal(total, length);
  }
});
