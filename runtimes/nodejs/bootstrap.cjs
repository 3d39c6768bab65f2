'use strict';
// Entry point of the nodejs*.x runtimes: one process, one function, one event at a time.

const { Channel } = require('./lib/channel.cjs');
const { Process } = require('./lib/process.cjs');
const { warmUp } = require('./lib/warmup.cjs');

warmUp().then(() => new Process().run((receive, ended) => new Channel(3, receive, ended)));
