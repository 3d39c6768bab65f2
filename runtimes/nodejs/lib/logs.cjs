'use strict';
// What the function writes: the console, and standard output and error.

const { format } = require('util');
const { toLog, asError } = require('./errors.cjs');

const { stdout, stderr } = process;
const { stringify } = JSON;
const RealDate = Date;
const LEVELS = ['TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR', 'FATAL'];

let requestId; // of the current or last invocation; the log shows "undefined" before the first
let tenantId; // likewise; undefined for most functions
let lowest = -1; // index of the least level that is logged
let asJSON = false;

function setRequestId(id, tenant) {
  requestId = id;
  tenantId = tenant;
}

// log writes one entry: an object, or text in which a line break becomes a carriage return, so that it stays one line.
function log(level, ...parts) {
  const now = new RealDate().toISOString();
  const entry = asJSON ? toEntry(now, level, parts) : `${now}\t${requestId}\t${level}\t${format(...parts)}`;
  stdout.write(entry.replace(/\n/g, '\r') + '\n');
}

function logError(what, error) {
  if (LEVELS.indexOf('ERROR') < lowest) return;
  if (asJSON) log('ERROR', asError(error));
  else log('ERROR', what, toLog(error));
}

// toEntry returns an entry as JSON, in the form of Amazon's runtimes. A single value stays what it is; several are put
// together as text, and the first error among them is shown beside it.
function toEntry(timestamp, level, parts) {
  const entry = { timestamp, level, requestId };
  if (tenantId !== undefined && tenantId !== null) entry.tenantId = tenantId;
  if (parts.length === 1) {
    [entry.message] = parts;
    try {
      return stringify(entry, (_, value) => (value instanceof Error ? { ...describe(value), ...value } : value));
    } catch { // a cycle, say
      entry.message = format(entry.message);
      return stringify(entry);
    }
  }
  entry.message = format(...parts);
  const error = parts.find((part) => part instanceof Error);
  if (error !== undefined) Object.assign(entry, describe(error));
  return stringify(entry);
}

function describe(error) {
  return {
    errorType: error.constructor?.name ?? 'UnknownError',
    errorMessage: error.message,
    stackTrace: typeof error.stack === 'string' ? error.stack.split('\n') : [],
  };
}

// patchConsole sends what a function says on the console to the log, unless AWS_LAMBDA_LOG_LEVEL is higher.
function patchConsole() {
  lowest = LEVELS.indexOf((process.env.AWS_LAMBDA_LOG_LEVEL || '').toUpperCase());
  asJSON = (process.env.AWS_LAMBDA_LOG_FORMAT || '').toUpperCase() === 'JSON';
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
