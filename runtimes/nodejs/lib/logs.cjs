'use strict';
// What the function writes: the console, and standard output and error.

const { format } = require('util');
const { toLog } = require('./errors.cjs');

const { stdout, stderr } = process;
const RealDate = Date;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

let requestId; // of the current or last invocation; the log shows "undefined" before the first

function setRequestId(id) {
  requestId = id;
}

// log writes one entry. A line break inside becomes a carriage return, so that the entry stays one line.
function log(level, ...parts) {
  const entry = `${new RealDate().toISOString()}\t${requestId}\t${level}\t${format(...parts)}`;
  stdout.write(entry.replace(/\n/g, '\r') + '\n');
}

function logError(what, error) {
  log('ERROR', what, toLog(error));
}

// patchConsole sends what a function says on the console to the log, unless AWS_LAMBDA_LOG_LEVEL is higher.
function patchConsole() {
  const lowest = LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
  const writer = (level) => (LEVELS.indexOf(level) < lowest ? () => {} : (first, ...rest) => log(level, first, ...rest));
  for (const level of LEVELS) console[level.toLowerCase()] = writer(level);
  console.log = console.info;
}

// whenFlushed calls then when all that was written so far has left the process: at once unless the log pipe was full.
function whenFlushed(then) {
  if (stdout.writableLength === 0 && stderr.writableLength === 0) {
    then();
  } else {
    stdout.write('', () => stderr.write('', () => then()));
  }
}

module.exports = { setRequestId, log, logError, patchConsole, whenFlushed };
