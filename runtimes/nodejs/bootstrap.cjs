'use strict';
// Entry point of the nodejs*.x runtimes: one process, one function, one event at a time.

const { Channel } = require('./lib/channel.cjs');
const { Process } = require('./lib/process.cjs');

const runtime = new Process();
runtime.run((receive, ended) => new Channel(3, receive, ended));
setImmediate(() => { // by now a Specialise that came before the process has been received
  if (runtime.isWaiting()) require('./lib/warmup.cjs').warmUp(() => runtime.isWaiting()).then(() => runtime.warm());
});
