'use strict';
// A function that has some of what functions have: a hot slot loads it before its own is known.

const fs = require('fs');
const path = require('path');
const { randomUUID } = require('crypto');

const NAMES = new Map([['one', 1], ['two', 2]]);

class Greeter {
  #name;

  constructor(name, { loud = false, ...rest } = {}) {
    this.#name = name ?? 'world';
    this.loud = loud && Object.keys(rest).length === 0;
  }

  get greeting() {
    return this.loud ? `HELLO, ${this.#name}!` : 'hello, ' + this.#name;
  }
}

exports.handler = async (event, context) => {
  const greeter = new Greeter(event.name, { loud: true });
  const parts = await Promise.all([...NAMES].map(async ([name, value]) => ({ name, value: value ** 2 })));
  for (const part of parts) if (part.value > 3) NAMES.set(part.name, part.value);
  try {
    if (!/^HELLO/.test(greeter.greeting)) throw new TypeError('quiet');
  } finally {
    await new Promise((resolve) => process.nextTick(resolve));
  }
  return {
    statusCode: 200,
    headers: { 'content-type': 'application/json', id: randomUUID() },
    body: JSON.stringify({ text: greeter.greeting, base: path.basename(__filename), there: fs.existsSync(__filename), parts }),
    region: process.env.AWS_REGION, now: new Date().toISOString(), context,
  };
};
